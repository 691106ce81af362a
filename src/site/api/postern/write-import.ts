import { passId, ruleId, userId } from "../../../domain/ids.ts";
import { type Result, succeed } from "../../../domain/result.ts";
import type { IssuingChange } from "../../issuer.ts";
import { noticesOfPass } from "../../notices-of-passes.ts";
import { othersTurn } from "../../store/others-turn.ts";
import { putRows } from "../../store/put-rows.ts";
import type { AuditNote } from "../../store/site-store.ts";
import type { PassRow, StoreSchema } from "../../store/store-schema.ts";
import { codeName } from "../acs/pass-name.ts";
import type { ApiFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { drawPins } from "./drawn-pins.ts";
import type { Changed, ImportPlan } from "./import-plan.ts";

/** A PIN that was drawn, which is told this once. */
export interface DrawnCode {
  /** By the id that was imported. */
  readonly user: string;
  readonly code: string;
}

/**
 * Writes what was planned in this very change. SQLite answers within the turn that asks, so that
 * others' requests are let in between.
 */
export async function writeImport(
  site: ApiSite,
  change: IssuingChange,
  plan: ImportPlan,
): Promise<Result<readonly DrawnCode[], ApiFault>> {
  const drawn = await drawnPasses(site, change, plan);
  if (!drawn.ok) return drawn;
  const { passes, codes } = drawn.value;
  await put(change, "users", plan.users);
  await othersTurn();
  await put(change, "passes", passes);
  await othersTurn();
  await writeMembers(change, plan);
  await othersTurn();
  for (const { after } of plan.users) change.touch.user(userId(after.id));
  for (const { before, after } of passes) {
    change.touch.pass(passId(after.id));
    // Not of what is new: a webhook would have to be told of half a million of them, and of who came
    // in at a door after that.
    if (before !== undefined) change.tell(...noticesOfPass(before, after));
  }
  for (const note of notesOf(plan)) change.note(note);
  return succeed(codes);
}

async function drawnPasses(site: ApiSite, { rows }: IssuingChange, plan: ImportPlan) {
  const given = new Set(plan.passes.flatMap(({ after }) => after.pinDigest ?? []));
  const pins = await drawPins(site, rows, { count: plan.undrawn.size, given });
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
  return succeed({ passes, codes });
}

async function writeMembers({ rows, touch }: IssuingChange, { joined, left }: ImportPlan) {
  for (const member of left) {
    await rows
      .deleteFrom("ruleUsers")
      .where("ruleId", "=", member.ruleId)
      .where("userId", "=", member.userId)
      .execute();
  }
  await putRows(rows, "ruleUsers", joined);
  for (const member of [...left, ...joined]) {
    touch.member(ruleId(member.ruleId), userId(member.userId));
  }
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

interface Said {
  verb: "create" | "update";
  readonly fields: string[];
  readonly issued: string[];
  readonly changed: Record<string, readonly string[]>;
  readonly joined: string[];
  readonly left: string[];
}

/** One for each user, with all that was made of it: a whole site's worth of people comes this way. */
function notesOf({ users, passes, joined, left }: ImportPlan): readonly AuditNote[] {
  const said = new Map<string, Said>();
  const of = (user: string | null): Said => {
    const known = said.get(user ?? "");
    if (known !== undefined) return known;
    const made: Said = {
      verb: "update",
      fields: [],
      issued: [],
      changed: {},
      joined: [],
      left: [],
    };
    said.set(user ?? "", made);
    return made;
  };
  for (const { before, after } of users) {
    if (before === undefined) of(after.id).verb = "create";
    else of(after.id).fields.push(...fieldsOf(before, after));
  }
  for (const { before, after } of passes) {
    // The names of the fields alone: among their values are secrets.
    if (before === undefined) of(after.userId).issued.push(after.id);
    else of(after.userId).changed[after.id] = fieldsOf(before, after);
  }
  for (const member of joined) of(member.userId).joined.push(member.ruleId);
  for (const member of left) of(member.userId).left.push(member.ruleId);
  return [...said].map(([id, { verb, ...parts }]) => {
    const told = Object.entries(parts).filter(([, part]) => Object.keys(part).length > 0);
    const detail = { by: "import", ...Object.fromEntries(told) };
    return { action: `user.${verb}`, subject: { kind: "user", id }, detail };
  });
}

const ownColumns: readonly string[] = ["revision", "sought"];

function fieldsOf<Row extends object>(before: Row, after: Row): readonly string[] {
  const fields: string[] = [];
  for (const column in after) {
    if (before[column] !== after[column] && !ownColumns.includes(column)) fields.push(column);
  }
  return fields;
}
