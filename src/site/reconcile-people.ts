import { passId, ruleId, userId } from "../domain/ids.ts";
import { soughtIn } from "./api/acs/write-user.ts";
import type { FileReconciliation } from "./file-reconciliation.ts";
import { nameUuid } from "./name-uuid.ts";
import { noticesOfPass } from "./notices-of-passes.ts";
import {
  type MemberDifference,
  memberDifference,
  putMembers,
  removeMembers,
} from "./reconcile-members.ts";
import { refuseTaken } from "./refuse-taken.ts";
import { knownRows, type RowDifference, rowDifference } from "./row-difference.ts";
import type { FilePassRow, FileRuleRow, FileUserRow } from "./site-file-rows.ts";
import { byIds, inParts } from "./store/by-ids.ts";
import { pageRows } from "./store/each-page.ts";
import { putRows } from "./store/put-rows.ts";
import type { PassRow, RuleRow, UserRow } from "./store/store-schema.ts";

interface PeopleDifference {
  readonly users: RowDifference<UserRow>;
  readonly passes: RowDifference<PassRow>;
  readonly rules: RowDifference<RuleRow>;
  readonly members: MemberDifference;
}

/**
 * Users, passes, rules and who is in them as the file has them. What the API made stays, but for
 * what it has of those who are gone: their passes are unassigned, and rules are without them.
 */
export async function reconcilePeople(reconciliation: FileReconciliation): Promise<void> {
  const users = await userDifference(reconciliation);
  const passes = await passDifference(reconciliation);
  const rules = await ruleDifference(reconciliation);
  const members = await memberDifference(reconciliation, { users, rules });
  const all = { users, passes, rules, members };
  await refuseTaken(reconciliation, passes);
  if (reconciliation.conflicts.length > 0) return;
  await takeAway(reconciliation, all);
  await put(reconciliation, all);
}

async function userDifference({ change, site, wanted }: FileReconciliation) {
  const from = change.rows.selectFrom("users").selectAll();
  const known = await knownRows<UserRow>(wanted.users, {
    ofFiles: (after) =>
      from
        .where("origin", "=", "file")
        .where("id", ">", after?.id ?? "")
        .orderBy("id")
        .limit(pageRows)
        .execute(),
    byIds: (ids) => from.where("id", "in", ids).execute(),
  });
  return rowDifference<FileUserRow, UserRow>(known, wanted.users, (said, before) => {
    const row: UserRow = {
      uuid: nameUuid(site, "user", said.id),
      email: null,
      phone: null,
      startsAt: null,
      endsAt: null,
      createdAt: change.at,
      ...before,
      ...said,
      sought: "",
      origin: "file",
      revision: change.revision,
    };
    return { ...row, sought: soughtIn(row) };
  });
}

async function passDifference({ change, site, wanted }: FileReconciliation) {
  const from = change.rows.selectFrom("passes").selectAll();
  const known = await knownRows<PassRow>(wanted.passes, {
    ofFiles: (after) =>
      from
        .where("origin", "=", "file")
        .where("id", ">", after?.id ?? "")
        .orderBy("id")
        .limit(pageRows)
        .execute(),
    byIds: (ids) => from.where("id", "in", ids).execute(),
  });
  return rowDifference<FilePassRow, PassRow>(known, wanted.passes, (said, before) => ({
    uuid: nameUuid(site, "pass", said.id),
    brandMetadata: null,
    warnings: "[]",
    createdAt: change.at,
    ...before,
    ...said,
    state: "issued",
    parentId: null,
    isMultiPhone: 0,
    issuedAt: before?.issuedAt ?? change.at,
    origin: "file",
    revision: change.revision,
  }));
}

async function ruleDifference({ change, site, wanted }: FileReconciliation) {
  const from = change.rows.selectFrom("rules").selectAll();
  const known = await knownRows<RuleRow>(wanted.rules, {
    ofFiles: (after) =>
      from
        .where("origin", "=", "file")
        .where("id", ">", after?.id ?? "")
        .orderBy("id")
        .limit(pageRows)
        .execute(),
    byIds: (ids) => from.where("id", "in", ids).execute(),
  });
  return rowDifference<FileRuleRow, RuleRow>(known, wanted.rules, (said, before) => ({
    uuid: nameUuid(site, "rule", said.id),
    name: said.id,
    createdAt: change.at,
    ...before,
    ...said,
    grantedDoor: null,
    origin: "file",
  }));
}

async function takeAway(
  reconciliation: FileReconciliation,
  { users, passes, rules, members }: PeopleDifference,
): Promise<void> {
  const { rows, touch } = reconciliation.change;
  await removeMembers(reconciliation, members);
  // Two passes may change cards with each other, which neither could while the other has its own.
  const loose = { raw: null, pinDigest: null, userId: null };
  await inParts([...passes.before.keys(), ...passes.gone.keys()], (ids) =>
    rows.updateTable("passes").set(loose).where("id", "in", ids).execute(),
  );
  await unassign(reconciliation, [...users.gone.keys()]);
  await deletePasses(reconciliation, [...passes.gone.values()]);
  await inParts(rules.gone.keys(), (ids) =>
    rows.deleteFrom("rules").where("id", "in", ids).execute(),
  );
  for (const id of rules.gone.keys()) {
    touch.rule(ruleId(id));
    reconciliation.did("delete", "rule", id);
  }
  await inParts(users.gone.keys(), (ids) =>
    rows.deleteFrom("users").where("id", "in", ids).execute(),
  );
  for (const { id, uuid } of users.gone.values()) {
    touch.user(userId(id));
    reconciliation.did("delete", "user", id);
    reconciliation.tell({ type: "acs_user.deleted", user: uuid });
  }
}

/** What the API issued to users who are gone is nobody's. */
async function unassign(
  reconciliation: FileReconciliation,
  users: readonly string[],
): Promise<void> {
  const { rows, touch, revision } = reconciliation.change;
  const passes = await byIds(users, (ids) =>
    rows.selectFrom("passes").select("id").where("userId", "in", ids).execute(),
  );
  const nobody = { userId: null, revision };
  await inParts(users, (ids) =>
    rows.updateTable("passes").set(nobody).where("userId", "in", ids).execute(),
  );
  for (const { id } of passes) {
    touch.pass(passId(id));
    reconciliation.did("update", "pass", id);
  }
}

async function deletePasses(
  reconciliation: FileReconciliation,
  passes: readonly PassRow[],
): Promise<void> {
  const { rows, touch } = reconciliation.change;
  const idsOf = (gone: readonly PassRow[]) => gone.map(({ id }) => id);
  const phones = await byIds(idsOf(passes), (ids) =>
    rows.selectFrom("passes").selectAll().where("parentId", "in", ids).execute(),
  );
  for (const gone of [phones, passes]) {
    await inParts(idsOf(gone), (ids) => rows.deleteFrom("passes").where("id", "in", ids).execute());
    for (const pass of gone) {
      touch.pass(passId(pass.id));
      reconciliation.did("delete", "pass", pass.id);
      reconciliation.tell(...noticesOfPass(pass, undefined));
    }
  }
}

async function put(
  reconciliation: FileReconciliation,
  { users, passes, rules, members }: PeopleDifference,
): Promise<void> {
  const { rows, touch } = reconciliation.change;
  for (const [table, kind, difference, note] of [
    ["users", "user", users, (id: string) => touch.user(userId(id))],
    ["passes", "pass", passes, (id: string) => touch.pass(passId(id))],
    ["rules", "rule", rules, (id: string) => touch.rule(ruleId(id))],
  ] as const) {
    await putRows(rows, table, difference.made);
    await putRows(rows, table, difference.changed, { replace: { key: "id", keep: [] } });
    for (const { id } of difference.made) {
      note(id);
      reconciliation.did("create", kind, id);
    }
    for (const { id } of difference.changed) {
      note(id);
      reconciliation.did("update", kind, id);
    }
  }
  // Of who is new and what they have, nothing: a first file has half a million of them, behind which a
  // webhook would hear of who came in at a door an hour later.
  for (const pass of passes.changed) {
    reconciliation.tell(...noticesOfPass(passes.before.get(pass.id), pass));
  }
  await putMembers(reconciliation, members);
}
