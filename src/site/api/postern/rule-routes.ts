import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { ruleKinds } from "../../../domain/access.ts";
import { ruleId } from "../../../domain/ids.ts";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import { unreachable } from "../../../domain/unreachable.ts";
import { tableRulesMax } from "../../../protocols/sync/table-content-schema.ts";
import { idText, listOf, oneOf } from "../../../protocols/toml/toml-schema.ts";
import type { IssuingChange } from "../../issuer.ts";
import type { RuleRow } from "../../store/store-schema.ts";
import { asField, countOf, findUser, type Rows } from "../acs/find-rows.ts";
import { deleteRule } from "../acs/group-routes.ts";
import { isoOf } from "../acs/user-json.ts";
import { addMember, removeMember } from "../acs/write-user.ts";
import { type ApiFault, conflict, inputFault, notFound } from "../api-fault.ts";
import { type ApiSite, drawId } from "../api-site.ts";
import { issue } from "../issue.ts";
import { jsonRoute, type Route } from "../route.ts";
import { nameText, uuidList, uuidText } from "../schema-parts.ts";

const answer = { key: "rule", is: "object", of: "rule" } as const;
const whichRule = { id: idText };

/** Who x where x when, of every kind; access groups are those of kind `grant`. */
export function ruleRoutes(site: ApiSite): readonly Route[] {
  return [
    createRoute(site),
    getRoute(site),
    listRoute(site),
    updateRoute(site),
    deleteRoute(site),
    memberRoute(site, "add_user"),
    memberRoute(site, "remove_user"),
  ];
}

export function ruleJson(row: RuleRow) {
  return {
    id: row.id,
    acs_access_group_id: row.kind === "grant" && row.grantedDoor === null ? row.uuid : null,
    kind: row.kind,
    name: row.name,
    doors: JSON.parse(row.doors) as unknown,
    zones: JSON.parse(row.zones) as unknown,
    schedule: row.schedule,
    /** For whom `grant_access` was asked for this door. */
    granted_door: row.grantedDoor,
    origin: row.origin,
    created_at: isoOf(row.createdAt),
  };
}

async function findRule(rows: Rows, id: string): Promise<Result<RuleRow, ApiFault>> {
  const row = await rows.selectFrom("rules").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? notFound("rule") : succeed(row);
}

const where = {
  name: nameText,
  doors: v.pipe(listOf(idText, "ids of doors"), v.maxLength(1_000, "at most 1000 ids")),
  zones: v.pipe(listOf(idText, "ids of zones"), v.maxLength(1_000, "at most 1000 ids")),
};

const createInput = v.strictObject({
  /** Absent: one is drawn. */
  id: v.exactOptional(idText),
  kind: v.exactOptional(oneOf(ruleKinds), "grant"),
  name: where.name,
  doors: v.exactOptional(where.doors, []),
  zones: v.exactOptional(where.zones, []),
  schedule: v.exactOptional(idText),
  acs_user_ids: v.exactOptional(uuidList, []),
});

function createRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/rules/create",
    role: "admin",
    summary: "Adds a rule of any kind.",
    input: createInput,
    answer,
    handle: async (input, call) =>
      await issue(site, call, async (change) => {
        const id = input.id ?? drawId();
        if ((await findRule(change.rows, id)).ok) {
          return conflict("duplicate_id", `There is a rule ${id} already.`, {
            id: ["expected one that no other rule has"],
          });
        }
        const rule = { ...input, schedule: input.schedule ?? null };
        const checked = await checkRule(change.rows, rule, input.acs_user_ids.length);
        if (!checked.ok) return checked;
        const row: RuleRow = {
          id,
          uuid: randomUUID(),
          origin: "api",
          kind: input.kind,
          name: input.name,
          doors: JSON.stringify(input.doors),
          zones: JSON.stringify(input.zones),
          schedule: rule.schedule,
          grantedDoor: null,
          createdAt: change.at,
        };
        const made = await insertRule(change, row, input.acs_user_ids);
        return made.ok ? succeed({ rule: ruleJson(row) }) : made;
      }),
  });
}

export async function insertRule(
  change: IssuingChange,
  row: RuleRow,
  users: readonly string[],
): Promise<Result<RuleRow, ApiFault>> {
  const { rows } = change;
  if ((await countOf(rows, "rules")) >= tableRulesMax) {
    return conflict("too_many", `A site has at most ${tableRulesMax} rules.`);
  }
  await rows.insertInto("rules").values(row).execute();
  change.touch.rule(ruleId(row.id));
  const detail = { kind: row.kind, doors: row.doors, zones: row.zones, schedule: row.schedule };
  change.note({ action: "rule.create", subject: { kind: "rule", id: row.id }, detail });
  for (const [index, uuid] of users.entries()) {
    const user = asField(await findUser(rows, uuid), `acs_user_ids.${index}`);
    if (!user.ok) return user;
    await addMember(change, row, user.value);
  }
  return succeed(row);
}

interface RuleParts {
  readonly kind: RuleRow["kind"];
  readonly doors: readonly string[];
  readonly zones: readonly string[];
  readonly schedule: string | null;
}

/** What a rule must have, and may not, as in a site file; but that a group may be empty. */
async function checkRule(
  rows: Rows,
  rule: RuleParts,
  userCount: number,
): Promise<Result<undefined, ApiFault>> {
  const faults = new Map<string, string>();
  const { doors, zones, schedule, kind } = rule;
  if (doors.length === 0 && zones.length === 0) {
    faults.set("doors", "expected a list of one id of a door or more, or zones");
  }
  const known = await rows
    .selectFrom("surroundings")
    .select(["kind", "id"])
    .where("kind", "in", ["door", "zone", "schedule"])
    .execute();
  const isKnown = (of: "door" | "zone" | "schedule", id: string) =>
    known.some((row) => row.kind === of && row.id === id);
  for (const [field, of, ids] of [
    ["doors", "door", doors],
    ["zones", "zone", zones],
  ] as const) {
    for (const [index, id] of ids.entries()) {
      if (!isKnown(of, id)) faults.set(`${field}.${index}`, `expected a ${of} of this site`);
      else if (ids.indexOf(id) < index) faults.set(`${field}.${index}`, `expected each ${of} once`);
    }
  }
  if (schedule !== null && !isKnown("schedule", schedule)) {
    faults.set("schedule", "expected a schedule of this site");
  }
  for (const [field, expected] of kindFaults(kind, schedule, userCount))
    faults.set(field, expected);
  if (faults.size === 0) return succeed(undefined);
  return fail(inputFault(Object.fromEntries([...faults].map(([at, said]) => [at, [said]]))));
}

function kindFaults(
  kind: RuleRow["kind"],
  schedule: string | null,
  userCount: number,
): readonly (readonly [field: string, expected: string])[] {
  const needsSchedule =
    schedule === null ? [["schedule", `expected the schedule of its kind "${kind}"`] as const] : [];
  switch (kind) {
    case "grant":
    case "grant_two_factors":
      return [];
    case "auto_unlock":
      // Whoever names people means that the door opens to them; it would open to everybody.
      return userCount === 0
        ? needsSchedule
        : [...needsSchedule, ["acs_user_ids", 'expected no users in a rule of kind "auto_unlock"']];
    case "first_person_in":
      return needsSchedule;
    default:
      return unreachable(kind);
  }
}

function getRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/rules/get",
    role: "read",
    summary: "Gets a rule.",
    input: v.strictObject(whichRule),
    answer,
    handle: async ({ id }) => {
      const row = await findRule(issuer.store.rows, id);
      return row.ok ? succeed({ rule: ruleJson(row.value) }) : row;
    },
  });
}

function listRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/rules/list",
    role: "read",
    summary: "Lists rules.",
    input: v.strictObject({ kind: v.exactOptional(oneOf(ruleKinds)) }),
    answer: { key: "rules", is: "list", of: "rule" },
    handle: async ({ kind }) => {
      let query = issuer.store.rows.selectFrom("rules").selectAll();
      if (kind !== undefined) query = query.where("kind", "=", kind);
      const rules = await query.orderBy("createdAt").orderBy("id").execute();
      return succeed({ rules: rules.map(ruleJson) });
    },
  });
}

function updateRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["PATCH", "POST"],
    path: "/postern/rules/update",
    role: "admin",
    summary: "Changes where and when a rule holds, or what it is called.",
    input: v.strictObject({
      ...whichRule,
      name: v.exactOptional(where.name),
      doors: v.exactOptional(where.doors),
      zones: v.exactOptional(where.zones),
      schedule: v.exactOptional(v.nullable(idText)),
    }),
    answer,
    handle: async ({ id, ...input }, call) =>
      await issue(site, call, async (change) => {
        const before = await findRule(change.rows, id);
        if (!before.ok) return before;
        const row = before.value;
        if (row.grantedDoor !== null) {
          return conflict("not_changeable", "This rule is for whoever was granted its door.");
        }
        const next = {
          kind: row.kind,
          doors: input.doors ?? (JSON.parse(row.doors) as readonly string[]),
          zones: input.zones ?? (JSON.parse(row.zones) as readonly string[]),
          schedule: input.schedule === undefined ? row.schedule : input.schedule,
        };
        const checked = await checkRule(change.rows, next, 0);
        if (!checked.ok) return checked;
        return succeed({ rule: ruleJson(await writeRule(change, row, { ...next, ...input })) });
      }),
  });
}

export async function writeRule(
  change: IssuingChange,
  row: RuleRow,
  { name = row.name, doors, zones, schedule }: RuleParts & { readonly name?: string },
): Promise<RuleRow> {
  const part = {
    name,
    doors: JSON.stringify(doors),
    zones: JSON.stringify(zones),
    schedule,
  };
  await change.rows.updateTable("rules").set(part).where("id", "=", row.id).execute();
  // How far the doors are with its users' passes is counted from here.
  await change.rows
    .updateTable("users")
    .set({ revision: change.revision })
    .where("id", "in", (of) =>
      of.selectFrom("ruleUsers").select("userId").where("ruleId", "=", row.id),
    )
    .execute();
  change.touch.rule(ruleId(row.id));
  const subject = { kind: "rule", id: row.id };
  change.note({ action: "rule.update", subject, detail: { ...part } });
  return { ...row, ...part };
}

function deleteRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["DELETE", "POST"],
    path: "/postern/rules/delete",
    role: "admin",
    summary: "Takes a rule away; its users stay.",
    input: v.strictObject(whichRule),
    handle: async ({ id }, call) =>
      await issue(site, call, async (change) => {
        const row = await findRule(change.rows, id);
        if (!row.ok) return row;
        await deleteRule(change, row.value);
        return succeed({});
      }),
  });
}

function memberRoute(site: ApiSite, verb: "add_user" | "remove_user"): Route {
  return jsonRoute({
    methods: ["POST"],
    path: `/postern/rules/${verb}`,
    role: "issue",
    summary: verb === "add_user" ? "Adds a user to a rule." : "Takes a user out of a rule.",
    input: v.strictObject({ ...whichRule, acs_user_id: uuidText }),
    handle: async ({ id, acs_user_id: uuid }, call) =>
      await issue(site, call, async (change) => {
        const rule = await findRule(change.rows, id);
        if (!rule.ok) return rule;
        const user = asField(await findUser(change.rows, uuid), "acs_user_id");
        if (!user.ok) return user;
        if (verb === "remove_user") {
          const left = await removeMember(change, rule.value, user.value);
          return left.ok ? succeed({}) : left;
        }
        if (rule.value.kind === "auto_unlock") {
          return fail(inputFault({ id: ['expected a rule whose kind is not "auto_unlock"'] }));
        }
        await addMember(change, rule.value, user.value);
        return succeed({});
      }),
  });
}
