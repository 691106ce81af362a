import { ruleId, userId } from "../domain/ids.ts";
import type { FileReconciliation } from "./file-reconciliation.ts";
import type { RowDifference } from "./row-difference.ts";
import { byIds, inParts } from "./store/by-ids.ts";
import { eachPage, pageRows } from "./store/each-page.ts";
import { putRows } from "./store/put-rows.ts";
import type { RuleRow, RuleUserRow, UserRow } from "./store/store-schema.ts";

export interface MemberDifference {
  readonly made: readonly RuleUserRow[];
  readonly gone: readonly RuleUserRow[];
}

/**
 * The file says which of its users are in its rules. Whom the API put into one of them stays, for a
 * file that knows nothing of him must not lock him out.
 */
export async function memberDifference(
  reconciliation: FileReconciliation,
  gone: { readonly users: RowDifference<UserRow>; readonly rules: RowDifference<RuleRow> },
): Promise<MemberDifference> {
  const { change, wanted } = reconciliation;
  const left = new Map([...wanted.members].map(([rule, users]) => [rule, new Set(users)]));
  const removed: RuleUserRow[] = [];
  const readPage = (after: RuleUserRow | undefined) =>
    change.rows
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
      .execute();
  await eachPage(readPage, (row) => {
    if (left.get(row.ruleId)?.delete(row.userId) === true) return;
    const isUnsaid = wanted.rules.has(row.ruleId) && wanted.users.has(row.userId);
    const isGone = gone.users.gone.has(row.userId) || gone.rules.gone.has(row.ruleId);
    if (isUnsaid || isGone) removed.push(row);
  });
  await refuseUnnamed(reconciliation, removed);
  const made = [...left].flatMap(([rule, users]) =>
    [...users].map((user) => ({ ruleId: rule, userId: user })),
  );
  return { made, gone: removed };
}

/** A rule that unlocks after the first of its users' grants would do so after anybody's. */
async function refuseUnnamed(
  { change, wanted, conflicts }: FileReconciliation,
  removed: readonly RuleUserRow[],
): Promise<void> {
  const { rows } = change;
  const losing = removed.map((row) => row.ruleId).filter((rule) => !wanted.rules.has(rule));
  const rules = await byIds(losing, (ids) =>
    rows
      .selectFrom("rules")
      .select("id")
      .where("id", "in", ids)
      .where("kind", "=", "first_person_in")
      .where("origin", "=", "api")
      .execute(),
  );
  for (const { id } of rules) {
    const out = new Set(removed.flatMap((row) => (row.ruleId === id ? row.userId : [])));
    const members = await rows
      .selectFrom("ruleUsers")
      .select("userId")
      .where("ruleId", "=", id)
      .execute();
    if (members.some((member) => !out.has(member.userId))) continue;
    const expected = "one of its users still to be in the file, or another to be put into it";
    conflicts.push({ key: `rule ${id}`, expected, found: "none: anybody would unlock its doors" });
  }
}

export async function removeMembers(
  { change }: FileReconciliation,
  { gone }: MemberDifference,
): Promise<void> {
  for (const [rule, users] of grouped(gone)) {
    await inParts(users, (ids) =>
      change.rows
        .deleteFrom("ruleUsers")
        .where("ruleId", "=", rule)
        .where("userId", "in", ids)
        .execute(),
    );
    for (const user of users) change.touch.member(ruleId(rule), userId(user));
  }
}

export async function putMembers(
  { change }: FileReconciliation,
  { made, gone }: MemberDifference,
): Promise<void> {
  const { rows, touch, revision } = change;
  await putRows(rows, "ruleUsers", made);
  for (const row of made) touch.member(ruleId(row.ruleId), userId(row.userId));
  // How far the doors are with a user's passes is counted from here.
  const users = [...made, ...gone].map((row) => row.userId);
  await inParts(users, (ids) =>
    rows.updateTable("users").set({ revision }).where("id", "in", ids).execute(),
  );
}

function grouped(rows: readonly RuleUserRow[]): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  for (const row of rows) {
    const group = users.get(row.ruleId);
    if (group === undefined) users.set(row.ruleId, [row.userId]);
    else group.push(row.userId);
  }
  return users;
}
