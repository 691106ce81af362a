import type { TableVersion } from "../../domain/access.ts";
import type { TableMark } from "../../domain/table-change.ts";

/** Epoch first, version within it: below 0 where `one` is older. */
export function compareTables(one: TableVersion, other: TableVersion): number {
  return one.epoch === other.epoch ? one.version - other.version : one.epoch - other.epoch;
}

export function isNewer(candidate: TableVersion, current: TableVersion): boolean {
  return compareTables(candidate, current) > 0;
}

export function newerOf(one: TableMark | undefined, other: TableMark): TableMark {
  return one === undefined || isNewer(other, one) ? other : one;
}

/** For people. */
export function describeMark({ epoch, version }: TableVersion): string {
  return `${epoch}.${version}`;
}

/** Whether both are marks of one table, and not only of one number. */
export function isSameTable(one: TableMark, other: TableMark): boolean {
  return one.epoch === other.epoch && one.version === other.version && one.tag === other.tag;
}
