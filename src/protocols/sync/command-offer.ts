import { randomBytes } from "node:crypto";
import * as v from "valibot";
import type { Result } from "../../domain/result.ts";
import type { AckRefusal } from "./ack-message.ts";
import { type MessageScope, openMessage, sealMessage } from "./authenticated-message.ts";
import { parseContent } from "./parse-content.ts";
import { hex16 } from "./schema-parts.ts";

/** The site has a command to give. Moves nothing, so one that is sent again costs an offer. */
export interface CommandAsk {
  /** 16 hex digits, drawn for each command. */
  readonly ask: string;
}

/**
 * A controller's word that it takes one command, soon: the one that names `offer`. It is good once
 * and for `commandOfferMs` of the controller's own time, and is forgotten when the controller is
 * restarted. So a command cannot be kept for later or sent twice, whatever any clock shows.
 */
export interface CommandOffer extends CommandAsk {
  /** 32 hex digits, drawn for each offer. */
  readonly offer: string;
}

/** Many times what a message needs there and back, and soon enough that who asked still stands there. */
export const commandOfferMs = 5_000;
export const commandOfferBytesMax = 128;

const askBytes = 8;
const offerBytes = 16;

export function drawAsk(): string {
  return randomBytes(askBytes).toString("hex");
}

export function drawOffer(): string {
  return randomBytes(offerBytes).toString("hex");
}

export const offerText = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, "32 hex digits"));

const askSchema = v.strictObject({ ask: hex16 });
const offerSchema = v.strictObject({ ask: hex16, offer: offerText });

export function sealCommandAsk(scope: MessageScope, ask: CommandAsk): Uint8Array {
  return sealMessage(scope, "command/ask", ask);
}

export function openCommandAsk(
  scope: MessageScope,
  message: Uint8Array,
): Result<CommandAsk, AckRefusal> {
  const opened = openMessage(scope, "command/ask", { message, bytesMax: commandOfferBytesMax });
  return opened.ok ? parseContent(askSchema, opened.value) : opened;
}

export function sealCommandOffer(scope: MessageScope, offer: CommandOffer): Uint8Array {
  return sealMessage(scope, "command/offer", offer);
}

/** Whether it was asked for is for the caller to see: one that is sent again opens, too. */
export function openCommandOffer(
  scope: MessageScope,
  message: Uint8Array,
): Result<CommandOffer, AckRefusal> {
  const opened = openMessage(scope, "command/offer", { message, bytesMax: commandOfferBytesMax });
  return opened.ok ? parseContent(offerSchema, opened.value) : opened;
}
