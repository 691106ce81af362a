import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type { IssuingChange } from "../../issuer.ts";
import { zoneFact } from "../../model-rows.ts";
import type { SurroundingRow } from "../../store/store-schema.ts";
import type { Rows } from "../acs/find-rows.ts";
import { deleteRule } from "../acs/group-routes.ts";
import { isoOf } from "../acs/user-json.ts";
import { type ApiFault, conflict, inputFault, notFound } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { issue } from "../issue.ts";
import type { InputSchema } from "../parse-input.ts";
import { jsonRoute, type Route } from "../route.ts";
import { type SurroundingKind, surroundingKinds } from "./surrounding-kinds.ts";
import { siteTables } from "./surrounding-tables.ts";
import { checkedRecords } from "./surroundings-check.ts";

/** Doors, zones, areas, schedules, the calendar and card formats: as a site file says them. */
export function surroundingRoutes(site: ApiSite): readonly Route[] {
  return surroundingKinds.flatMap((kind) => [
    createRoute(site, kind),
    getRoute(site, kind),
    listRoute(site, kind),
    updateRoute(site, kind),
    deleteRoute(site, kind),
  ]);
}

type Input = Readonly<Record<string, unknown>>;

const objectAnswer = ({ singular }: SurroundingKind) =>
  ({ key: singular, is: "object", of: singular }) as const;

function rowJson(kind: SurroundingKind, row: SurroundingRow) {
  return {
    ...kind.table(JSON.parse(row.body)),
    ...(kind.kind === "door" && { acs_entrance_id: row.uuid }),
    origin: row.origin,
    created_at: isoOf(row.createdAt),
  };
}

const idOf = ({ idField }: SurroundingKind, input: Input): string => String(input[idField]);

async function findRow(
  rows: Rows,
  kind: SurroundingKind,
  id: string,
): Promise<Result<SurroundingRow, ApiFault>> {
  const row = await rows
    .selectFrom("surroundings")
    .selectAll()
    .where("kind", "=", kind.kind)
    .where("id", "=", id)
    .executeTakeFirst();
  return row === undefined ? notFound(kind.singular) : succeed(row);
}

/** Which one is meant: nothing but its id. */
function whichOne({ idField, entries }: SurroundingKind): InputSchema {
  const id = entries[idField];
  return v.strictObject(id === undefined ? {} : { [idField]: id });
}

function createRoute(site: ApiSite, kind: SurroundingKind): Route {
  return jsonRoute({
    methods: ["POST"],
    path: `/postern/${kind.plural}/create`,
    role: "admin",
    summary: `Adds one of the site's ${kind.plural}.`,
    input: v.strictObject(kind.entries),
    answer: objectAnswer(kind),
    handle: async (input, call) => {
      const made = await issue(site, call, async (change) => {
        const id = idOf(kind, input);
        if ((await findRow(change.rows, kind, id)).ok) {
          return conflict("duplicate_id", `There is a ${kind.singular} ${id} already.`, {
            [kind.idField]: [`expected one that no other ${kind.singular} has`],
          });
        }
        return await put(change, kind, { table: input, before: undefined });
      });
      return made.ok ? succeed({ [kind.singular]: rowJson(kind, made.value) }) : made;
    },
  });
}

function getRoute({ issuer }: ApiSite, kind: SurroundingKind): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: `/postern/${kind.plural}/get`,
    role: "read",
    summary: `Gets one of the site's ${kind.plural}.`,
    input: whichOne(kind),
    answer: objectAnswer(kind),
    handle: async (input) => {
      const row = await findRow(issuer.store.rows, kind, idOf(kind, input as Input));
      return row.ok ? succeed({ [kind.singular]: rowJson(kind, row.value) }) : row;
    },
  });
}

function listRoute({ issuer }: ApiSite, kind: SurroundingKind): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: `/postern/${kind.plural}/list`,
    role: "read",
    summary: `Lists the site's ${kind.plural}.`,
    input: v.strictObject({}),
    answer: { key: kind.plural, is: "list", of: kind.singular },
    handle: async () => {
      const rows = await issuer.store.rows
        .selectFrom("surroundings")
        .selectAll()
        .where("kind", "=", kind.kind)
        .orderBy("position")
        .orderBy("id")
        .execute();
      return succeed({ [kind.plural]: rows.map((row) => rowJson(kind, row)) });
    },
  });
}

/** Every field may be left out; one that a door need not have is taken away with null. */
function partOf({ entries, idField }: SurroundingKind): v.ObjectEntries {
  const parts = Object.entries(entries).map(([name, entry]): [string, v.GenericSchema] => {
    if (name === idField) return [name, entry];
    const isOptional = entry.type === "exact_optional";
    const whole = isWrapping(entry) ? entry.wrapped : entry;
    return [name, v.exactOptional(isOptional ? v.nullable(whole) : whole)];
  });
  return Object.fromEntries<v.GenericSchema>(parts);
}

function isWrapping(entry: object): entry is { readonly wrapped: v.GenericSchema } {
  return "wrapped" in entry;
}

function updateRoute(site: ApiSite, kind: SurroundingKind): Route {
  return jsonRoute({
    methods: ["PATCH", "POST"],
    path: `/postern/${kind.plural}/update`,
    role: "admin",
    summary: `Changes one of the site's ${kind.plural}: the fields that are given.`,
    input: v.strictObject(partOf(kind)),
    answer: objectAnswer(kind),
    handle: async (input, call) => {
      const made = await issue(site, call, async (change) => {
        const before = await findRow(change.rows, kind, idOf(kind, input));
        if (!before.ok) return before;
        const used = await cardsFault(change.rows, kind, before.value);
        if (used !== undefined) return fail(used);
        const merged = { ...kind.table(JSON.parse(before.value.body)), ...input };
        const table = Object.fromEntries(
          Object.entries(merged).filter(([, value]) => value !== null),
        );
        return await put(change, kind, { table, before: before.value });
      });
      return made.ok ? succeed({ [kind.singular]: rowJson(kind, made.value) }) : made;
    },
  });
}

/** Writes one row, if all of the site is in order with it. */
async function put(
  change: IssuingChange,
  kind: SurroundingKind,
  { table, before }: { readonly table: Input; readonly before: SurroundingRow | undefined },
): Promise<Result<SurroundingRow, ApiFault>> {
  const all = await allRows(change.rows);
  const tables = await tablesOf(change.rows, all);
  const own = all.filter((row) => row.kind === kind.kind);
  const at = before === undefined ? own.length : own.findIndex(({ id }) => id === before.id);
  const list = [...tables[kind.list].slice(0, at), table, ...tables[kind.list].slice(at + 1)];
  const records = checkedRecords({ ...tables, [kind.list]: list }, kind.list, at);
  if (!records.ok) return records;
  const id = idOf(kind, table);
  const row: SurroundingRow = {
    kind: kind.kind,
    id,
    uuid: before?.uuid ?? randomUUID(),
    origin: before?.origin ?? "api",
    position: before?.position ?? Math.max(-1, ...own.map(({ position }) => position)) + 1,
    name: nameOf(kind, table, id),
    body: JSON.stringify(records.value[at]),
    createdAt: before?.createdAt ?? change.at,
  };
  await change.rows
    .insertInto("surroundings")
    .values(row)
    .onConflict((known) => known.columns(["kind", "id"]).doUpdateSet(row))
    .execute();
  change.touch.surroundings();
  const action = `${kind.kind}.${before === undefined ? "create" : "update"}`;
  change.note({ action, subject: { kind: kind.kind, id }, detail: table });
  return succeed(row);
}

function nameOf({ kind }: SurroundingKind, table: Input, id: string): string {
  if (kind === "door") return String(table["name"]);
  return kind === "calendar_day" ? String(table["day_type"]) : id;
}

function deleteRoute(site: ApiSite, kind: SurroundingKind): Route {
  return jsonRoute({
    methods: ["DELETE", "POST"],
    path: `/postern/${kind.plural}/delete`,
    role: "admin",
    summary: `Takes one of the site's ${kind.plural} away, where nothing needs it any more.`,
    input: whichOne(kind),
    handle: async (input, call) =>
      await issue(site, call, async (change) => {
        const row = await findRow(change.rows, kind, idOf(kind, input as Input));
        if (!row.ok) return row;
        const gone = await takeAway(change, kind, row.value);
        return gone.ok ? succeed({}) : gone;
      }),
  });
}

async function takeAway(
  change: IssuingChange,
  kind: SurroundingKind,
  row: SurroundingRow,
): Promise<Result<undefined, ApiFault>> {
  const { rows } = change;
  const used = await cardsFault(rows, kind, row);
  if (used !== undefined) return fail(used);
  const rules = await rows.selectFrom("rules").selectAll().execute();
  const needing = rules.filter((rule) => kind.isNeededBy(rule, row.id));
  if (needing.length > 0) {
    const names = needing.slice(0, 5).map(({ id }) => id);
    return conflict("in_use", `These rules need it: ${names.join(", ")}.`);
  }
  const left = (await allRows(rows)).filter((other) => !isSame(other, row));
  const checked = checkedRecords(await tablesOf(rows, left), kind.list, undefined);
  if (!checked.ok) return checked;
  for (const rule of rules) {
    if (kind.kind === "door" && rule.grantedDoor === row.id) await deleteRule(change, rule);
  }
  await rows
    .deleteFrom("surroundings")
    .where("kind", "=", row.kind)
    .where("id", "=", row.id)
    .execute();
  change.touch.surroundings();
  change.note({ action: `${row.kind}.delete`, subject: { kind: row.kind, id: row.id } });
  return succeed(undefined);
}

const isSame = (one: SurroundingRow, other: SurroundingRow): boolean =>
  one.kind === other.kind && one.id === other.id;

/** Cards were made into bits by the format as it is: nothing would make them anew. */
async function cardsFault(
  rows: Rows,
  { kind }: SurroundingKind,
  { id }: SurroundingRow,
): Promise<ApiFault | undefined> {
  if (kind !== "card_format") return undefined;
  const card = await rows
    .selectFrom("passes")
    .select("id")
    .where("cardFormat", "=", id)
    .executeTakeFirst();
  if (card === undefined) return undefined;
  return { ...inputFault({}), status: 409, type: "in_use", message: "Cards of it are issued." };
}

async function allRows(rows: Rows): Promise<readonly SurroundingRow[]> {
  return await rows
    .selectFrom("surroundings")
    .selectAll()
    .orderBy("kind")
    .orderBy("position")
    .orderBy("id")
    .execute();
}

/** Of users, those whose traits areas ask for. */
async function tablesOf(rows: Rows, all: readonly SurroundingRow[]) {
  const zone = await rows
    .selectFrom("facts")
    .select("value")
    .where("key", "=", zoneFact)
    .executeTakeFirst();
  const users = await rows
    .selectFrom("users")
    .select(["id", "suspended", "traits"])
    .where("traits", "!=", "[]")
    .execute();
  return siteTables(all, zone?.value ?? "UTC", users);
}
