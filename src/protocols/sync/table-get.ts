import { randomBytes } from "node:crypto";
import * as v from "valibot";
import type { Result } from "../../domain/result.ts";
import type { TableMark } from "../../domain/table-change.ts";
import type { AckRefusal } from "./ack-message.ts";
import { type MessageScope, openMessage, sealMessage } from "./authenticated-message.ts";
import { parseContent } from "./parse-content.ts";
import { hex16, integer, tableMark } from "./schema-parts.ts";
import { snapshotChunksMax } from "./snapshot-chunk.ts";

export type TableWant =
  | { readonly want: "head" }
  /** Those that lead on from this table, in order. */
  | { readonly want: "deltas"; readonly after: TableMark }
  /** The manifest of the newest. */
  | { readonly want: "snapshot" }
  /** `count` chunks from number `from` on; `snapshot` as `snapshotName` says. */
  | {
      readonly want: "chunks";
      readonly snapshot: string;
      readonly from: number;
      readonly count: number;
    };

/** What a controller asks of the site. */
export type TableGet = TableWant & {
  /**
   * Drawn for each request (`drawRequest`), so that a replayed one is known, and an answer that
   * echoes it is no older than it.
   */
  readonly request: string;
};

export const tableGetBytesMax = 256;
export const chunksPerGetMax = 16;

const requestBytes = 8;

export function drawRequest(): string {
  return randomBytes(requestBytes).toString("hex");
}

const getSchema = v.variant("want", [
  v.strictObject({ want: v.literal("head"), request: hex16 }),
  v.strictObject({ want: v.literal("deltas"), request: hex16, after: tableMark }),
  v.strictObject({ want: v.literal("snapshot"), request: hex16 }),
  v.strictObject({
    want: v.literal("chunks"),
    request: hex16,
    snapshot: hex16,
    from: integer(0, snapshotChunksMax - 1),
    count: integer(1, chunksPerGetMax),
  }),
]);

export function sealTableGet(scope: MessageScope, get: TableGet): Uint8Array {
  return sealMessage(scope, "table/get", get);
}

/** Whether it was there before is for the caller to see: one that is sent again opens, too. */
export function openTableGet(
  scope: MessageScope,
  message: Uint8Array,
): Result<TableGet, AckRefusal> {
  const opened = openMessage(scope, "table/get", { message, bytesMax: tableGetBytesMax });
  if (!opened.ok) return opened;
  return parseContent(getSchema, opened.value);
}
