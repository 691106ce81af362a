import * as v from "valibot";
import { isPhoneCredential } from "../../domain/credential.ts";
import type { Result } from "../../domain/result.ts";
import type { AckRefusal } from "./ack-message.ts";
import {
  openSecretMessage,
  type SecretMessageScope,
  sealSecretMessage,
} from "./authenticated-message.ts";
import { offerText } from "./command-offer.ts";
import { parseContent } from "./parse-content.ts";
import { codeWord, rawCredentialText } from "./schema-parts.ts";
import type { CommandAnswer } from "./site-command.ts";

/** What a controller says to a command. */
export type ControllerAnswer =
  | CommandAnswer
  /** To `enrol`: the reader waits for a card, and another answer follows. */
  | { readonly kind: "listening" }
  /** `detail`: why, a stable string. */
  | { readonly kind: "refused"; readonly detail: string };

export interface OfferedAnswer {
  /** That of the command which is answered: no other command ever names it. */
  readonly offer: string;
  readonly answer: ControllerAnswer;
}

export const commandAnswerBytesMax = 512;

const presented = v.pipe(
  v.strictObject({
    kind: v.literal("presented"),
    raw: rawCredentialText,
    format: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,32}$/, "a format"))),
  }),
  v.check(
    ({ raw, format }) => format === undefined || !isPhoneCredential(raw),
    "no format of a phone",
  ),
);

const answerSchema = v.strictObject({
  offer: offerText,
  answer: v.variant("kind", [
    v.strictObject({ kind: v.literal("listening") }),
    v.strictObject({ kind: v.literal("done") }),
    presented,
    v.strictObject({ kind: v.literal("nothing") }),
    v.strictObject({ kind: v.literal("refused"), detail: codeWord }),
  ]),
});

/** Encrypted, since what was presented is all that a cloner needs. */
export function sealCommandAnswer(scope: SecretMessageScope, answer: OfferedAnswer): Uint8Array {
  return sealSecretMessage(scope, "command/answer", answer);
}

/** Whether such a command was given, and is not answered yet, is for the caller to see. */
export function openCommandAnswer(
  scope: SecretMessageScope,
  message: Uint8Array,
): Result<OfferedAnswer, AckRefusal> {
  const bytesMax = commandAnswerBytesMax;
  const opened = openSecretMessage(scope, "command/answer", { message, bytesMax });
  if (!opened.ok) return opened;
  return parseContent(answerSchema, opened.value);
}
