import { isDeepStrictEqual } from "node:util";
import type { PassRecord } from "../domain/access.ts";
import type { TableChange, TableUser } from "../domain/table-change.ts";
import { meetOfPasses, meetOfUsers } from "./record-meets.ts";
import type { Replaced, TableDifference } from "./table-difference.ts";

/**
 * A difference as one delta carries it: the frame, whatever takes something from somebody, the rest.
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
 * What a difference takes away and nothing that it gives, for where all of it is too much for one
 * delta. However few of these are taken, from the first on, the table that they make holds together
 * and opens nothing that the one before does not. All of them make one that opens nothing, by the
 * frame to come either, that the one after does not.
 */
export function revocationsOf({ users, passes }: TableDifference): readonly TableChange[] {
  const claims = claimsOf(passes);
  return [
    ...passes.flatMap((pass) => interimPass(pass, claims)),
    ...users.filter(isUserNarrowed).flatMap((user) => userOf(interimUser(user))),
  ];
}

/**
 * What is left of a difference once revocations and frame are in force. However few of these are
 * taken, from the first on, the table holds together and opens nothing that the one after does not.
 */
export function giftsOf({ users, passes }: TableDifference): readonly TableChange[] {
  const claims = claimsOf(passes);
  const isLeft = (pass: Replaced<PassRecord>): boolean => {
    const [interim] = interimPass(pass, claims);
    if (interim === undefined) return !isDeepStrictEqual(pass.before, pass.after);
    return interim.kind !== "pass" || !isDeepStrictEqual(interim.pass, pass.after);
  };
  const kept = users.filter(({ after }) => after !== undefined);
  return [
    ...kept
      .filter((user) => !isDeepStrictEqual(interimUser(user), user.after))
      .flatMap(({ after }) => userOf(after)),
    ...passes.filter((pass) => pass.after !== undefined && isLeft(pass)).flatMap(passChange),
    // Behind the passes that another has by then.
    ...users.filter(({ after }) => after === undefined).flatMap(userChange),
  ];
}

function passChange({ before, after }: Replaced<PassRecord>): readonly TableChange[] {
  if (after !== undefined) return [{ kind: "pass", pass: after }];
  return before === undefined ? [] : [{ kind: "pass_gone", pass: before.id }];
}

function userChange({ before, after }: Replaced<TableUser>): readonly TableChange[] {
  if (after !== undefined) return userOf(after);
  return before === undefined ? [] : [{ kind: "user_gone", user: before.id }];
}

const userOf = (user: TableUser | undefined): readonly TableChange[] =>
  user === undefined ? [] : [{ kind: "user", user }];

/** Whether it leaves anybody with less than before, of anything. */
function isPassNarrowed({ before, after }: Replaced<PassRecord>): boolean {
  if (before === undefined) return false;
  return after === undefined || !isDeepStrictEqual(meetOfPasses({ before, after }), before);
}

function isUserNarrowed({ before, after }: Replaced<TableUser>): boolean {
  if (before === undefined) return false;
  return after === undefined || !isDeepStrictEqual(meetOfUsers({ before, after }), before);
}

const interimUser = ({ before, after }: Replaced<TableUser>): TableUser | undefined =>
  meetOfUsers({ before, after });

/** Whose card or PIN each will be of those that come or change. */
type Claims = ReadonlyMap<string, PassRecord["id"]>;

const claimsOf = (passes: TableDifference["passes"]): Claims =>
  new Map(passes.flatMap(({ after }) => (after ? [[keyOf(after), after.id] as const] : [])));

const keyOf = ({ presents }: PassRecord): string => JSON.stringify(presents);

/** What is to be said of a pass until all is: nothing where all that it has, it keeps. */
function interimPass(pass: Replaced<PassRecord>, claims: Claims): readonly TableChange[] {
  const { before, after } = pass;
  if (before === undefined) return [];
  const heir = claims.get(keyOf(before)) ?? before.id;
  // Two passes cannot present the same, not even while one of them opens nothing.
  if (after === undefined || heir !== before.id) return [{ kind: "pass_gone", pass: before.id }];
  return isPassNarrowed(pass) ? [{ kind: "pass", pass: meetOfPasses({ before, after }) }] : [];
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
