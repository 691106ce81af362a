import type { Result } from "../../domain/result.ts";
import type { TableChange, TableDelta, TableMark } from "../../domain/table-change.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { SiteOpener, SiteSealer } from "./site-seal.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** What is larger goes as a snapshot. */
export const deltaBytesMax = 1_024 * 1_024;

/** A step that has no tag yet for the table that it makes. */
export interface TableStep {
  readonly from: TableMark;
  readonly compiledAt: EpochMs;
  readonly changes: readonly TableChange[];
}

export interface SealedDelta {
  /** Sent only where it is no longer than `deltaBytesMax`. */
  readonly message: Uint8Array;
  readonly to: TableMark;
}

/** `changes` are the caller's to validate. The same step gives the same bytes. */
export function sealTableDelta(sealer: SiteSealer, step: TableStep): SealedDelta {
  throw new Error(`not yet: ${sealer.site} ${step.changes.length}`);
}

export function openTableDelta(
  opener: SiteOpener,
  message: Uint8Array,
): Result<TableDelta, TableRefusal> {
  throw new Error(`not yet: ${opener.site} ${message.length}`);
}

/** A delta as it is kept on disk: deterministic CBOR, with the tag of what it makes. Not encrypted. */
export function encodeTableDelta(delta: TableDelta): Uint8Array {
  throw new Error(`not yet: ${delta.changes.length}`);
}

/** The fault names the field, never its value. */
export function decodeTableDelta(bytes: Uint8Array): Result<TableDelta, string> {
  throw new Error(`not yet: ${bytes.length}`);
}
