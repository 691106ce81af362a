import type { Result } from "../../domain/result.ts";
import type { TableMark } from "../../domain/table-change.ts";
import type { AckRefusal } from "./ack-message.ts";
import type { MessageScope } from "./authenticated-message.ts";

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
  /** Drawn for each request (`drawRequest`), so that a replayed one is known. */
  readonly request: string;
};

export const tableGetBytesMax = 256;
export const chunksPerGetMax = 16;

export function drawRequest(): string {
  throw new Error("not yet");
}

export function sealTableGet(scope: MessageScope, get: TableGet): Uint8Array {
  throw new Error(`not yet: ${scope.site} ${get.request}`);
}

export function openTableGet(
  scope: MessageScope,
  message: Uint8Array,
): Result<TableGet, AckRefusal> {
  throw new Error(`not yet: ${scope.site} ${message.length}`);
}
