import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import {
  type MessageRefusal,
  type MessageScope,
  openMessage,
  sealMessage,
} from "./authenticated-message.ts";
import { describeIssue, integer, journalId, numberMax } from "./schema-parts.ts";

/**
 * The site's word that it has every entry of `journal` up to `number` on disk. It only ever grows,
 * so an old one that is replayed says something that is still true and moves nothing.
 */
export interface EventAck {
  readonly journal: string;
  readonly number: number;
}

export const eventAckBytesMax = 512;

const ackSchema = v.strictObject({ journal: journalId, number: integer(0, numberMax) });

export interface AckRefusal {
  readonly reason: MessageRefusal["reason"] | "invalid_content";
  readonly detail: string;
}

export function sealEventAck(scope: MessageScope, ack: EventAck): Uint8Array {
  return sealMessage(scope, "event/ack", { journal: ack.journal, number: ack.number });
}

/** Whether `journal` is the one in use is for the caller to see. */
export function openEventAck(
  scope: MessageScope,
  message: Uint8Array,
): Result<EventAck, AckRefusal> {
  const opened = openMessage(scope, "event/ack", { message, bytesMax: eventAckBytesMax });
  if (!opened.ok) return opened;
  const parsed = v.safeParse(ackSchema, opened.value, { abortEarly: true });
  return parsed.success
    ? succeed(parsed.output)
    : fail({ reason: "invalid_content", detail: describeIssue(parsed.issues[0]) });
}
