import * as v from "valibot";
import type { Result } from "../../domain/result.ts";
import {
  type MessageRefusal,
  type MessageScope,
  openMessage,
  sealMessage,
} from "./authenticated-message.ts";
import { parseContent } from "./parse-content.ts";
import { integer, journalId, numberMax } from "./schema-parts.ts";

/**
 * The site's word that it has every entry of `journal` up to `number` on disk. It only ever grows,
 * so an old one that is replayed says something that is still true and moves nothing, unless the
 * controller's disk took entries back that it had called durable: that shows by `hash`.
 */
export interface StoredAck {
  readonly journal: string;
  readonly number: number;
  /** Of entry `number` as the site has it, by `shortHash`. Absent for 0, and from an older site. */
  readonly hash?: string;
}

/**
 * The site has other entries of `journal` from number `forkedAt` on, the first that differs. Whether
 * that is so (this may be an old message) the hashes tell, by `shortHash`.
 */
export interface ForkedAck {
  readonly journal: string;
  readonly forkedAt: number;
  /** Of the last entry before, which both have: `chainStart` before the first; absent where it is lost. */
  readonly previous?: string;
  /** Of entry `forkedAt` as the site has it; absent where what it has ends before. */
  readonly hash?: string;
}

export type EventAck = StoredAck | ForkedAck;

export const eventAckBytesMax = 512;

const shortHashDigits = 32;

/** The first 16 bytes of a 64-digit chain hash: nobody can choose two entries that share them. */
export function shortHash(hash: string): string {
  return hash.slice(0, shortHashDigits);
}

const shortHashText = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{32}$/, `${shortHashDigits} hex digits`),
);
const storedSchema = v.strictObject({
  journal: journalId,
  number: integer(0, numberMax),
  hash: v.exactOptional(shortHashText),
});
const forkedSchema = v.strictObject({
  journal: journalId,
  forkedAt: integer(1, numberMax),
  previous: v.exactOptional(shortHashText),
  hash: v.exactOptional(shortHashText),
});
const ackSchema = v.union([storedSchema, forkedSchema], "what is stored, or where it forked");

export interface AckRefusal {
  readonly reason: MessageRefusal["reason"] | "invalid_content";
  readonly detail: string;
}

export function sealEventAck(scope: MessageScope, ack: EventAck): Uint8Array {
  return sealMessage(scope, "event/ack", ack);
}

/** Whether `journal` is the one in use is for the caller to see. */
export function openEventAck(
  scope: MessageScope,
  message: Uint8Array,
): Result<EventAck, AckRefusal> {
  const opened = openMessage(scope, "event/ack", { message, bytesMax: eventAckBytesMax });
  if (!opened.ok) return opened;
  return parseContent(ackSchema, opened.value);
}
