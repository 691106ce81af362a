import * as v from "valibot";
import type { TableVersion } from "../../domain/access.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { AckRefusal } from "./ack-message.ts";
import { type MessageScope, openMessage, sealMessage } from "./authenticated-message.ts";
import { codeWord, describeIssue, tableVersion, text } from "./schema-parts.ts";

/**
 * What a controller made of a table. It answers every snapshot that reaches it, the one it has
 * already included (`complete` again): a site that was restarted learns in this way where all
 * stand.
 */
export type TableAck =
  | { readonly outcome: "complete"; readonly table: TableVersion }
  /** `table` is the version in force, kept; absent before the first. */
  | {
      readonly outcome: "refused";
      readonly table?: TableVersion;
      /** A `TableRefusal`'s reason and detail. */
      readonly reason: string;
      readonly detail: string;
    };

export const tableAckBytesMax = 1_024;
export const tableAckDetailMax = 500;

const ackSchema = v.variant("outcome", [
  v.strictObject({ outcome: v.literal("complete"), table: tableVersion }),
  v.strictObject({
    outcome: v.literal("refused"),
    table: v.exactOptional(tableVersion),
    reason: codeWord,
    detail: text(tableAckDetailMax),
  }),
]);

export function sealTableAck(scope: MessageScope, ack: TableAck): Uint8Array {
  const body =
    ack.outcome === "refused" ? { ...ack, detail: ack.detail.slice(0, tableAckDetailMax) } : ack;
  return sealMessage(scope, "table/ack", body);
}

export function openTableAck(
  scope: MessageScope,
  message: Uint8Array,
): Result<TableAck, AckRefusal> {
  const opened = openMessage(scope, "table/ack", { message, bytesMax: tableAckBytesMax });
  if (!opened.ok) return opened;
  const parsed = v.safeParse(ackSchema, opened.value, { abortEarly: true });
  return parsed.success
    ? succeed(parsed.output)
    : fail({ reason: "invalid_content", detail: describeIssue(parsed.issues[0]) });
}
