import type { Kysely, Transaction } from "kysely";
import { passId, ruleId, userId } from "../domain/ids.ts";
import type { Membership, ModelChange, Put, Surroundings } from "./model-change.ts";
import {
  type PassOwners,
  sitePassOf,
  siteRuleOf,
  siteUserOf,
  surroundingsOf,
  type UserSpanRow,
  zoneFact,
} from "./model-rows.ts";
import type { SitePass, SiteUser } from "./site-model.ts";
import { byIds } from "./store/by-ids.ts";
import { eachPage, pageRows } from "./store/each-page.ts";
import { listed } from "./store/listed.ts";
import type { PassRow, RuleUserRow, StoreSchema, UserRow } from "./store/store-schema.ts";
import type { TouchedRows } from "./touched-rows.ts";

type Rows = Transaction<StoreSchema> | Kysely<StoreSchema>;

/** What the rows that were touched say now, and those whose tables' part follows from them. */
export async function readTouched(
  rows: Rows,
  touched: TouchedRows,
  revision: number,
): Promise<ModelChange> {
  const users = await byIds(touched.users, (ids) =>
    rows.selectFrom("users").selectAll().where("id", "in", listed(rows, ids)).execute(),
  );
  const userRows = new Map(users.map((row) => [row.id, row]));
  const passRows = await readTouchedPasses(rows, touched, userRows);
  const owners = await readOwners(rows, passRows, userRows);
  const rules = await byIds(touched.rules, (ids) =>
    rows.selectFrom("rules").selectAll().where("id", "in", listed(rows, ids)).execute(),
  );
  const ruleRows = new Map(rules.map((row) => [row.id, row]));
  const passIds = new Set([...touched.passes, ...[...passRows.keys()].map(passId)]);
  return {
    revision,
    ...(touched.hasSurroundings && { surroundings: await readSurroundings(rows) }),
    users: puts(touched.users, userRows, siteUserOf),
    passes: puts(passIds, passRows, (row) => sitePassOf(row, owners)),
    rules: puts(touched.rules, ruleRows, siteRuleOf),
    members: await readMembers(rows, touched),
  };
}

/** All that there is. */
export async function readWhole(rows: Rows, revision: number): Promise<ModelChange> {
  const spans = new Map<string, UserSpanRow>();
  const users: Put<SiteUser["id"], SiteUser>[] = [];
  await eachPage(
    (after: UserRow | undefined) =>
      rows
        .selectFrom("users")
        .selectAll()
        .where("id", ">", after?.id ?? "")
        .orderBy("id")
        .limit(pageRows)
        .execute(),
    (row) => {
      spans.set(row.id, row);
      users.push({ id: userId(row.id), to: siteUserOf(row) });
    },
  );
  return {
    revision,
    surroundings: await readSurroundings(rows),
    users,
    passes: await readAllPasses(rows, spans),
    rules: (await rows.selectFrom("rules").selectAll().orderBy("id").execute()).map((row) => ({
      id: ruleId(row.id),
      to: siteRuleOf(row),
    })),
    members: await readAllMembers(rows),
  };
}

async function readSurroundings(rows: Rows): Promise<Surroundings> {
  const all = await rows
    .selectFrom("surroundings")
    .selectAll()
    .orderBy("kind")
    .orderBy("position")
    .orderBy("id")
    .execute();
  const zone = await rows
    .selectFrom("facts")
    .select("value")
    .where("key", "=", zoneFact)
    .executeTakeFirst();
  return surroundingsOf(all, zone?.value);
}

/** Those of users whose schedule may be another, and the phones of those that may be. */
async function readTouchedPasses(
  rows: Rows,
  touched: TouchedRows,
  users: ReadonlyMap<string, UserRow>,
): Promise<ReadonlyMap<string, PassRow>> {
  const ofUsers = await byIds(users.keys(), (ids) =>
    rows.selectFrom("passes").selectAll().where("userId", "in", listed(rows, ids)).execute(),
  );
  // Most that are touched are one of those: what an import makes, all of them.
  const left = new Set<string>(touched.passes);
  for (const { id } of ofUsers) left.delete(id);
  const others = await byIds(left, (ids) =>
    rows.selectFrom("passes").selectAll().where("id", "in", listed(rows, ids)).execute(),
  );
  const found = [...ofUsers, ...others];
  const parents = new Set(found.flatMap(({ id, isMultiPhone }) => (isMultiPhone === 1 ? id : [])));
  const children = await byIds(parents, (ids) =>
    rows.selectFrom("passes").selectAll().where("parentId", "in", listed(rows, ids)).execute(),
  );
  return new Map([...found, ...children].map((row) => [row.id, row]));
}

async function readOwners(
  rows: Rows,
  passes: ReadonlyMap<string, PassRow>,
  known: ReadonlyMap<string, UserRow>,
): Promise<PassOwners> {
  const parentIds = new Set<string>();
  for (const { parentId } of passes.values()) {
    if (parentId !== null && !passes.has(parentId)) parentIds.add(parentId);
  }
  const others = await byIds(parentIds, (ids) =>
    rows.selectFrom("passes").selectAll().where("id", "in", listed(rows, ids)).execute(),
  );
  const parents = new Map([...passes, ...others.map((row) => [row.id, row] as const)]);
  const userIds = new Set<string>();
  for (const { userId: user } of parents.values()) {
    if (user !== null && !known.has(user)) userIds.add(user);
  }
  const spans = await byIds(userIds, (ids) =>
    rows
      .selectFrom("users")
      .select(["id", "startsAt", "endsAt"])
      .where("id", "in", listed(rows, ids))
      .execute(),
  );
  const users = new Map<string, UserSpanRow>([
    ...known,
    ...spans.map((row) => [row.id, row] as const),
  ]);
  return { user: (id) => users.get(id), pass: (id) => parents.get(id) };
}

async function readMembers(rows: Rows, { members }: TouchedRows): Promise<readonly Membership[]> {
  const found: Membership[] = [];
  for (const [rule, users] of members) {
    const present = await byIds(users, (ids) =>
      rows
        .selectFrom("ruleUsers")
        .select("userId")
        .where("ruleId", "=", rule)
        .where("userId", "in", listed(rows, ids))
        .execute(),
    );
    const within = new Set<string>(present.map((row) => row.userId));
    for (const user of users) found.push({ rule, user, is: within.has(user) ? "in" : "out" });
  }
  return found;
}

async function readAllPasses(
  rows: Rows,
  spans: ReadonlyMap<string, UserSpanRow>,
): Promise<ModelChange["passes"]> {
  const multiPhone = rows.selectFrom("passes").selectAll().where("isMultiPhone", "=", 1);
  const parents = new Map((await multiPhone.execute()).map((row) => [row.id, row]));
  const owners = {
    user: (id: string) => spans.get(id),
    pass: (id: string) => parents.get(id),
  };
  const passes: Put<SitePass["id"], SitePass>[] = [];
  await eachPage(
    (after: PassRow | undefined) =>
      rows
        .selectFrom("passes")
        .selectAll()
        .where("id", ">", after?.id ?? "")
        .orderBy("id")
        .limit(pageRows)
        .execute(),
    (row) => {
      const to = sitePassOf(row, owners);
      if (to !== undefined) passes.push({ id: passId(row.id), to });
    },
  );
  return passes;
}

async function readAllMembers(rows: Rows): Promise<readonly Membership[]> {
  const members: Membership[] = [];
  await eachPage(
    (after: RuleUserRow | undefined) =>
      rows
        .selectFrom("ruleUsers")
        .selectAll()
        .where((row) =>
          row.or([
            row("ruleId", ">", after?.ruleId ?? ""),
            row.and([
              row("ruleId", "=", after?.ruleId ?? ""),
              row("userId", ">", after?.userId ?? ""),
            ]),
          ]),
        )
        .orderBy("ruleId")
        .orderBy("userId")
        .limit(pageRows)
        .execute(),
    (row) => members.push({ rule: ruleId(row.ruleId), user: userId(row.userId), is: "in" }),
  );
  return members;
}

function puts<Id extends string, Row, Record>(
  ids: Iterable<Id>,
  found: ReadonlyMap<string, Row>,
  read: (row: Row) => Record | undefined,
): readonly Put<Id, Record>[] {
  return [...ids].map((id) => {
    const row = found.get(id);
    return { id, to: row === undefined ? undefined : read(row) };
  });
}
