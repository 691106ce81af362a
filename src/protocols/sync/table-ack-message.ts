import * as v from "valibot";
import type { TableVersion } from "../../domain/access.ts";
import type { Result } from "../../domain/result.ts";
import type { TableMark } from "../../domain/table-change.ts";
import type { AckRefusal } from "./ack-message.ts";
import { type MessageScope, openMessage, sealMessage } from "./authenticated-message.ts";
import { parseContent } from "./parse-content.ts";
import { codeWord, integer, tableMark, tableVersion, text } from "./schema-parts.ts";

/**
 * What a controller made of a table. It answers the head that names what it has already, too
 * (`complete` again): a site that was restarted learns in this way where all stand.
 */
export type TableAck =
  | { readonly outcome: "complete"; readonly table: TableMark }
  /** `wanted` is on its way; `table` is in force meanwhile, absent before the first. */
  | {
      readonly outcome: "progress";
      readonly table?: TableVersion;
      readonly wanted: TableVersion;
      /** Whole, 0 to 100. */
      readonly percent: number;
    }
  /**
   * `table` is in force, kept; absent before the first. Where the refused one is not newer, it is the
   * newest that was ever accepted: what the site has to come after.
   */
  | {
      readonly outcome: "refused";
      readonly table?: TableMark;
      /** A `TableRefusal`'s reason and detail. */
      readonly reason: string;
      readonly detail: string;
    };

export const tableAckBytesMax = 1_024;
export const tableAckDetailMax = 500;

const ackSchema = v.variant("outcome", [
  v.strictObject({ outcome: v.literal("complete"), table: tableMark }),
  v.strictObject({
    outcome: v.literal("progress"),
    table: v.exactOptional(tableVersion),
    wanted: tableVersion,
    percent: integer(0, 100),
  }),
  v.strictObject({
    outcome: v.literal("refused"),
    table: v.exactOptional(tableMark),
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
  return parseContent(ackSchema, opened.value);
}
