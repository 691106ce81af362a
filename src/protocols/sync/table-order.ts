import type { TableVersion } from "../../domain/access.ts";
import type { TableMark } from "../../domain/table-change.ts";

/** Epoch first, version within it. */
export function isNewer(candidate: TableVersion, current: TableVersion): boolean {
  return candidate.epoch === current.epoch
    ? candidate.version > current.version
    : candidate.epoch > current.epoch;
}

/** Whether both are marks of one table, and not only of one number. */
export function isSameTable(one: TableMark, other: TableMark): boolean {
  return one.epoch === other.epoch && one.version === other.version && one.tag === other.tag;
}
