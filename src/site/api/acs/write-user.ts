import { randomUUID } from "node:crypto";
import { ruleId, userId } from "../../../domain/ids.ts";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type { IssuingChange } from "../../issuer.ts";
import type { RuleRow, UserRow } from "../../store/store-schema.ts";
import { type ApiFault, conflict } from "../api-fault.ts";
import { drawId } from "../api-site.ts";
import { deletePass } from "./write-pass.ts";

export interface NewUser {
  readonly name: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly startsAt: number | null;
  readonly endsAt: number | null;
  readonly traits: UserRow["traits"];
}

/** What a search looks through. */
export function soughtIn({ name, email, phone }: Pick<NewUser, "name" | "email" | "phone">) {
  return [name, email, phone]
    .filter((part) => part !== null)
    .join("\n")
    .toLowerCase();
}

export async function createUser(change: IssuingChange, user: NewUser): Promise<UserRow> {
  const row: UserRow = {
    ...user,
    id: drawId(),
    uuid: randomUUID(),
    origin: "api",
    suspended: 0,
    sought: soughtIn(user),
    revision: change.revision,
    createdAt: change.at,
  };
  await change.rows.insertInto("users").values(row).execute();
  change.touch.user(userId(row.id));
  change.note({ action: "user.create", subject: { kind: "user", id: row.id } });
  change.tell({ type: "acs_user.created", user: row.uuid });
  return row;
}

/** `part`: what is to be another from now on. */
export async function updateUser(
  change: IssuingChange,
  row: UserRow,
  part: Partial<Omit<UserRow, "id" | "uuid" | "origin" | "revision" | "createdAt" | "sought">>,
): Promise<UserRow> {
  const next = { ...row, ...part, revision: change.revision };
  const sought = soughtIn(next);
  await change.rows
    .updateTable("users")
    .set({ ...part, sought, revision: change.revision })
    .where("id", "=", row.id)
    .execute();
  change.touch.user(userId(row.id));
  const subject = { kind: "user", id: row.id };
  change.note({ action: "user.update", subject, detail: { fields: Object.keys(part) } });
  return { ...next, sought };
}

async function passesOf({ rows }: IssuingChange, { id }: UserRow) {
  return await rows.selectFrom("passes").selectAll().where("userId", "=", id).execute();
}

/** With its passes, and out of every rule. */
export async function deleteUser(
  change: IssuingChange,
  row: UserRow,
): Promise<Result<undefined, ApiFault>> {
  for (const rule of await rulesOf(change, row)) {
    const left = await removeMember(change, rule, row);
    if (!left.ok) return left;
  }
  const passes = await passesOf(change, row);
  const ids = new Set(passes.map(({ id }) => id));
  // Phones go with what they belong to, and are told of once.
  const alone = passes.filter(({ parentId }) => parentId === null || !ids.has(parentId));
  for (const pass of alone) await deletePass(change, pass);
  await change.rows.deleteFrom("users").where("id", "=", row.id).execute();
  change.touch.user(userId(row.id));
  change.note({ action: "user.delete", subject: { kind: "user", id: row.id } });
  change.tell({ type: "acs_user.deleted", user: row.uuid });
  return succeed(undefined);
}

export async function rulesOf({ rows }: Pick<IssuingChange, "rows">, user: Pick<UserRow, "id">) {
  return await rows
    .selectFrom("rules")
    .innerJoin("ruleUsers", "ruleUsers.ruleId", "rules.id")
    .selectAll("rules")
    .where("ruleUsers.userId", "=", user.id)
    .execute();
}

export async function addMember(
  change: IssuingChange,
  rule: RuleRow,
  user: UserRow,
): Promise<void> {
  const member = { ruleId: rule.id, userId: user.id };
  const { numInsertedOrUpdatedRows: added = 0n } = await change.rows
    .insertInto("ruleUsers")
    .values(member)
    .onConflict((isThere) => isThere.doNothing())
    .executeTakeFirst();
  if (added === 0n) return;
  await noteMember(change, rule, user, "rule.add_user");
}

/** A user who is not in it is not in it afterwards either. */
export async function removeMember(
  change: IssuingChange,
  rule: RuleRow,
  user: UserRow,
): Promise<Result<undefined, ApiFault>> {
  const { numDeletedRows } = await change.rows
    .deleteFrom("ruleUsers")
    .where("ruleId", "=", rule.id)
    .where("userId", "=", user.id)
    .executeTakeFirst();
  if (numDeletedRows === 0n) return succeed(undefined);
  await noteMember(change, rule, user, "rule.remove_user");
  if (rule.kind !== "first_person_in") return succeed(undefined);
  const other = await change.rows
    .selectFrom("ruleUsers")
    .select("userId")
    .where("ruleId", "=", rule.id)
    .limit(1)
    .executeTakeFirst();
  if (other !== undefined) return succeed(undefined);
  // Such a rule without users unlocks its doors after anybody's grant.
  return fail(
    conflict(
      "last_user_of_rule",
      `The user is the last of rule ${rule.id}, which would then hold its doors unlocked after ` +
        "anybody was granted there; change or delete that rule first, or suspend the user.",
    ).fault,
  );
}

async function noteMember(
  change: IssuingChange,
  rule: RuleRow,
  user: UserRow,
  action: string,
): Promise<void> {
  // How far the doors are with a user's passes is counted from here.
  await change.rows
    .updateTable("users")
    .set({ revision: change.revision })
    .where("id", "=", user.id)
    .execute();
  change.touch.member(ruleId(rule.id), userId(user.id));
  change.note({ action, subject: { kind: "rule", id: rule.id }, detail: { user: user.id } });
}
