import { isDeepStrictEqual } from "node:util";
import type { PassRecord } from "../domain/access.ts";
import type { TableChange, TableUser } from "../domain/table-change.ts";
import type { Replaced, TableDifference } from "./table-difference.ts";

/**
 * A difference as a delta carries it: the frame, whatever takes something from somebody, the rest.
 */
export function changesOf(difference: TableDifference): readonly TableChange[] {
  const users = difference.users.filter((user) => !isToldByFrame(user, difference.frame));
  const { passes } = difference;
  return [
    ...frameChange(difference),
    ...passes.filter(isPassNarrowed).flatMap(passChange),
    ...users.filter(isUserNarrowed).flatMap(userChange),
    ...users.filter((user) => !isUserNarrowed(user)).flatMap(userChange),
    ...passes.filter((pass) => !isPassNarrowed(pass)).flatMap(passChange),
  ];
}

export function frameChange({ frame }: TableDifference): readonly TableChange[] {
  return frame === undefined ? [] : [{ kind: "frame", frame: frame.after }];
}

/**
 * What a difference takes away and nothing that it gives, for where all of it is too much for a
 * delta. However few of these are taken, from the first on, a table to which they are applied holds
 * together, with the frame that it has and with the one to come.
 */
export function revocationsOf({ users, passes }: TableDifference): readonly TableChange[] {
  const narrowedPasses = passes.filter(isPassNarrowed);
  const narrowedUsers = users.filter(isUserNarrowed);
  return [
    ...narrowedPasses.filter(isWithdrawn).flatMap(withdrawal),
    ...narrowedPasses.filter((pass) => !isWithdrawn(pass)).flatMap(passChange),
    ...narrowedUsers.filter(({ after }) => after !== undefined).flatMap(keptRules),
    // Behind their passes, without which they may not go.
    ...narrowedUsers.filter(({ after }) => after === undefined).flatMap(userChange),
  ];
}

function passChange({ before, after }: Replaced<PassRecord>): readonly TableChange[] {
  if (after !== undefined) return [{ kind: "pass", pass: after }];
  return before === undefined ? [] : [{ kind: "pass_gone", pass: before.id }];
}

function userChange({ before, after }: Replaced<TableUser>): readonly TableChange[] {
  if (after !== undefined) return [{ kind: "user", user: after }];
  return before === undefined ? [] : [{ kind: "user_gone", user: before.id }];
}

/** Whether it leaves anybody with less than before, of anything. */
function isPassNarrowed({ before, after }: Replaced<PassRecord>): boolean {
  if (before === undefined) return false;
  return (
    after === undefined ||
    isMoved({ before, after }) ||
    (before.active && !after.active) ||
    (after.startsAt ?? -Infinity) > (before.startsAt ?? -Infinity) ||
    (after.endsAt ?? Infinity) < (before.endsAt ?? Infinity) ||
    usesLeft(after) < usesLeft(before) ||
    !isDeepStrictEqual(after.traits, before.traits)
  );
}

function isUserNarrowed({ before, after }: Replaced<TableUser>): boolean {
  if (before === undefined) return false;
  return (
    after === undefined ||
    (after.suspended && !before.suspended) ||
    before.rules.some((rule) => !after.rules.includes(rule)) ||
    !isDeepStrictEqual(after.traits, before.traits)
  );
}

const usesLeft = ({ usesMax = Infinity, spentHere = 0, spentElsewhere = 0 }: PassRecord): number =>
  usesMax - spentHere - spentElsewhere;

interface Kept<Record> {
  readonly before: Record;
  readonly after: Record;
}

/** To another card, PIN or user, which may be one that is still to come. */
function isMoved({ before, after }: Kept<PassRecord>): boolean {
  return after.user !== before.user || !isDeepStrictEqual(after.presents, before.presents);
}

function isWithdrawn({ before, after }: Replaced<PassRecord>): boolean {
  return before !== undefined && (after === undefined || isMoved({ before, after }));
}

function withdrawal({ before }: Replaced<PassRecord>): readonly TableChange[] {
  return before === undefined ? [] : [{ kind: "pass_gone", pass: before.id }];
}

/** Of his rules those that he had and keeps: each frame has them. */
function keptRules({ before, after }: Replaced<TableUser>): readonly TableChange[] {
  if (before === undefined || after === undefined) return [];
  const rules = after.rules.filter((rule) => before.rules.includes(rule));
  return [{ kind: "user", user: { ...after, rules } }];
}

/**
 * Whether nothing is new of this user but that rules are gone, which every user forgets by himself.
 */
function isToldByFrame(
  { before, after }: Replaced<TableUser>,
  frame: TableDifference["frame"],
): boolean {
  if (frame === undefined || before === undefined || after === undefined) return false;
  const left = new Set(frame.after.rules.map(({ id }) => id));
  const rules = before.rules.filter((rule) => left.has(rule));
  return isDeepStrictEqual({ ...before, rules }, after);
}
