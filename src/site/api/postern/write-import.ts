import { passId, ruleId, userId } from "../../../domain/ids.ts";
import { succeed } from "../../../domain/result.ts";
import type { IssuingChange } from "../../issuer.ts";
import { noticesOfPass } from "../../notices-of-passes.ts";
import { putRows } from "../../store/put-rows.ts";
import type { PassRow, RuleUserRow, StoreSchema } from "../../store/store-schema.ts";
import { codeName } from "../acs/pass-name.ts";
import type { ApiSite } from "../api-site.ts";
import { drawPins } from "./drawn-pins.ts";
import type { Changed, ImportPlan } from "./import-plan.ts";

/** A PIN that was drawn, which is told this once. */
export interface DrawnCode {
  /** By the id that was imported. */
  readonly user: string;
  readonly code: string;
}

/** Writes what was planned in this very change. */
export async function writeImport(site: ApiSite, change: IssuingChange, plan: ImportPlan) {
  const given = new Set(plan.passes.flatMap(({ after }) => after.pinDigest ?? []));
  const count = plan.undrawn.size;
  const pins = await drawPins(site, change.rows, { count, given });
  if (!pins.ok) return pins;
  const left = [...pins.value];
  const codes: DrawnCode[] = [];
  const passes = plan.passes.map((changed): Changed<PassRow> => {
    const pin = plan.undrawn.has(changed.after.id) ? left.pop() : undefined;
    if (pin === undefined) return changed;
    codes.push({ user: changed.after.userId ?? "", code: pin.digits });
    const { digest: pinDigest, digits } = pin;
    return { ...changed, after: { ...changed.after, pinDigest, displayName: codeName(digits) } };
  });
  await writeUsers(change, plan);
  await writePasses(change, passes);
  await writeMembers(change, plan);
  return succeed(codes);
}

async function writeUsers(change: IssuingChange, { users }: ImportPlan): Promise<void> {
  await put(change, "users", users);
  for (const { before, after } of users) {
    change.touch.user(userId(after.id));
    const subject = { kind: "user", id: after.id };
    if (before === undefined) {
      change.note({ action: "user.create", subject });
      change.tell({ type: "acs_user.created", user: after.uuid });
    } else {
      const detail = { fields: fieldsOf(before, after) };
      change.note({ action: "user.update", subject, detail });
    }
  }
}

async function writePasses(
  change: IssuingChange,
  passes: readonly Changed<PassRow>[],
): Promise<void> {
  await put(change, "passes", passes);
  for (const { before, after } of passes) {
    change.touch.pass(passId(after.id));
    const subject = { kind: "pass", id: after.id };
    const { kind, userId: user } = after;
    if (before === undefined) {
      change.note({ action: "pass.create", subject, detail: { kind, user } });
    } else {
      // The names of the fields alone: among their values are secrets.
      change.note({ action: "pass.update", subject, detail: { fields: fieldsOf(before, after) } });
    }
    change.tell(...noticesOfPass(before, after));
  }
}

async function writeMembers(change: IssuingChange, { joined, left }: ImportPlan): Promise<void> {
  for (const member of left) {
    await change.rows
      .deleteFrom("ruleUsers")
      .where("ruleId", "=", member.ruleId)
      .where("userId", "=", member.userId)
      .execute();
    noteMember(change, member, "rule.remove_user");
  }
  await putRows(change.rows, "ruleUsers", joined);
  for (const member of joined) noteMember(change, member, "rule.add_user");
}

function noteMember(change: IssuingChange, member: RuleUserRow, action: string): void {
  change.touch.member(ruleId(member.ruleId), userId(member.userId));
  const subject = { kind: "rule", id: member.ruleId };
  change.note({ action, subject, detail: { user: member.userId } });
}

async function put<Name extends "users" | "passes">(
  { rows }: IssuingChange,
  table: Name,
  changed: readonly Changed<StoreSchema[Name]>[],
): Promise<void> {
  const made = changed.filter(({ before }) => before === undefined).map(({ after }) => after);
  const others = changed.filter(({ before }) => before !== undefined).map(({ after }) => after);
  await putRows(rows, table, made);
  await putRows(rows, table, others, { replace: { key: "id", keep: [] } });
}

const ownColumns: readonly string[] = ["revision", "sought"];

function fieldsOf<Row extends object>(before: Row, after: Row): readonly string[] {
  const fields: string[] = [];
  for (const column in after) {
    if (before[column] !== after[column] && !ownColumns.includes(column)) fields.push(column);
  }
  return fields;
}
