import fc from "fast-check";
import { contentOfParts, partsOfContent } from "../../../../src/core/access-table/table-parts.ts";
import type { PassRecord, TableContent } from "../../../../src/domain/access.ts";
import { type PassId, passId, type UserId, userId } from "../../../../src/domain/ids.ts";
import type {
  FrameRule,
  TableChange,
  TableDelta,
  TableFrame,
  TableMark,
  TableUser,
} from "../../../../src/domain/table-change.ts";
import { epochMs } from "../../../../src/domain/time.ts";
import { arbitraryContent } from "../arbitrary-request.ts";

/** What a table holds, as plain reading of the deltas has it. */
export interface PlainTable {
  readonly mark: TableMark;
  readonly frame: TableFrame;
  readonly users: ReadonlyMap<UserId, TableUser>;
  readonly passes: ReadonlyMap<PassId, PassRecord>;
}

/** What to take over from another table, and in which order. */
interface Taking {
  readonly from: TableContent;
  readonly frame: boolean;
  readonly users: readonly string[];
  readonly usersGone: readonly string[];
  readonly passes: readonly string[];
  readonly passesGone: readonly string[];
  readonly tag: number;
  readonly order: readonly number[];
}

const userNames = ["ada", "bob", "cleo", "dan", "eve"];
const passNames = [0, 1, 2, 3, 4, 5].flatMap((index) => [`card-${index}`, `pin-${index}`]);

export const arbitraryTaking: fc.Arbitrary<Taking> = fc.record({
  from: arbitraryContent,
  frame: fc.constantFrom(true, false, false),
  users: fc.subarray(userNames),
  usersGone: fc.subarray(userNames, { maxLength: 2 }),
  passes: fc.subarray(passNames),
  passesGone: fc.subarray(passNames, { maxLength: 3 }),
  tag: fc.nat(),
  order: fc.array(fc.nat(1_000), { minLength: 20, maxLength: 20 }),
});

export function plainTableOf(content: TableContent): PlainTable {
  const { frame, users, passes } = partsOfContent(content);
  return {
    mark: { ...content.table, tag: 0 },
    frame,
    users: new Map(users.map((user) => [user.id, user])),
    passes: new Map(passes.map((pass) => [pass.id, pass])),
  };
}

/** A delta that takes over as much as makes a valid table, and the table that it makes. */
export function takeOver(
  table: PlainTable,
  taking: Taking,
): { readonly delta: TableDelta; readonly after: PlainTable } {
  const parts = partsOfContent(taking.from);
  const frame = taking.frame ? parts.frame : table.frame;
  const namable = new Set(frame.rules.filter(isForNamed).map(({ id }) => id));
  const users = new Map(
    [...table.users].map(([id, user]) => [id, { ...user, rules: within(user.rules, namable) }]),
  );
  const changes: TableChange[] = [];
  for (const user of parts.users) {
    if (!taking.users.includes(user.id)) continue;
    const taken = { ...user, rules: within(user.rules, namable) };
    users.set(user.id, taken);
    changes.push({ kind: "user", user: taken });
  }
  for (const id of taking.usersGone.map(userId)) {
    if (taking.users.includes(id)) continue;
    users.delete(id);
    changes.push({ kind: "user_gone", user: id });
  }
  const passes = passesAfter(table, parts.passes, taking, users);
  for (const id of new Set([...table.passes.keys(), ...passes.keys()])) {
    const pass = passes.get(id);
    if (pass === undefined) changes.push({ kind: "pass_gone", pass: id });
    else if (pass !== table.passes.get(id)) changes.push({ kind: "pass", pass });
  }
  const to = { ...table.mark, version: table.mark.version + 1, tag: taking.tag };
  const ordered = shuffled(changes, taking.order);
  return {
    delta: {
      from: table.mark,
      to,
      compiledAt: epochMs(to.version * 1_000),
      changes: taking.frame ? [{ kind: "frame", frame }, ...ordered] : ordered,
    },
    after: { mark: to, frame, users, passes },
  };
}

/** Passes that are taken over win over those that were there: a card may change hands. */
function passesAfter(
  table: PlainTable,
  offered: readonly PassRecord[],
  taking: Taking,
  users: ReadonlyMap<UserId, TableUser>,
): ReadonlyMap<PassId, PassRecord> {
  const kept = [...table.passes.values()].filter(({ id }) => !taking.passesGone.includes(id));
  const taken = offered.filter(({ id }) => taking.passes.includes(id));
  const passes = new Map<PassId, PassRecord>();
  const shown = new Set<string>();
  for (const pass of [...taken, ...kept]) {
    const what = pass.presents.as === "raw" ? pass.presents.raw : pass.presents.digest;
    if (passes.has(pass.id) || shown.has(what) || !users.has(pass.user)) continue;
    passes.set(pass.id, pass);
    shown.add(what);
  }
  return passes;
}

export function contentOf(table: PlainTable): TableContent {
  return contentOfParts(
    { frame: table.frame, users: [...table.users.values()], passes: [...table.passes.values()] },
    { table: table.mark, compiledAt: epochMs(table.mark.version * 1_000) },
  );
}

export function shuffled<Item>(items: readonly Item[], order: readonly number[]): readonly Item[] {
  const keyed = items.map((item, index) => ({ item, at: order[index % order.length] ?? 0 }));
  return keyed.sort((one, other) => one.at - other.at).map(({ item }) => item);
}

export const everyPassName = passNames.map(passId);
export const everyUserName = userNames.map(userId);

function isForNamed({ kind, whom }: FrameRule): boolean {
  return kind !== "auto_unlock" && whom === "named_users";
}

function within<Id>(ids: readonly Id[], namable: ReadonlySet<Id>): readonly Id[] {
  return ids.filter((id) => namable.has(id));
}
