import { Temporal } from "temporal-polyfill";
import type { UserId } from "../domain/ids.ts";
import type { EpochMs } from "../domain/time.ts";
import type { AccessTable } from "./access-table/access-table.ts";
import type { Subject } from "./subject.ts";

export function userOf({ table, pass }: Subject): UserId {
  return table.passes.userId(pass);
}

/** The rules that give this user this door, whenever that is. */
export function rulesHere({ table: { rules }, user, door }: Subject): readonly number[] {
  const here: number[] = [];
  for (let place = rules.firstPlace(user); place < rules.endPlace(user); place += 1) {
    const rule = rules.ruleAt(place);
    if (rules.covers(rule, door)) here.push(rule);
  }
  return here;
}

/** An instant on the site's wall clock, to the second, with its offset from UTC. */
export function tellInstant(table: AccessTable, at: EpochMs): string {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(at))
    .toZonedDateTimeISO(table.zone)
    .toString({ smallestUnit: "second", timeZoneName: "never" });
}

export function tellNow({ table, request: { wall } }: Subject): string {
  return wall.quality === "unknown"
    ? "The time is not known and was not counted."
    : `It is ${tellInstant(table, wall.at)}.`;
}

/** In units of which there are two at least, where possible. */
export function tellDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}
