import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { ruleId } from "../../../domain/ids.ts";
import { fail, succeed } from "../../../domain/result.ts";
import type { IssuingChange } from "../../issuer.ts";
import type { RuleRow } from "../../store/store-schema.ts";
import { inputFault } from "../api-fault.ts";
import { type ApiSite, drawId } from "../api-site.ts";
import { issue } from "../issue.ts";
import { contains } from "../like-pattern.ts";
import { isBeyond, type PageMark, pageEntries, pageOf, parsePageCursor } from "../page.ts";
import { jsonRoute, type Route } from "../route.ts";
import { textOf, uuidList, uuidText } from "../schema-parts.ts";
import { doorsForPass, passesForDoor } from "./access-asked.ts";
import { credentialsJson } from "./credential-json.ts";
import { entranceJson } from "./entrance-json.ts";
import { asField, type DoorRow, findDoor, findPass, findUser, type Rows } from "./find-rows.ts";
import { isThisSystem, noIdentities } from "./user-input.ts";
import { addMember } from "./write-user.ts";

/** Seam's own, which is longer than that of other lists. */
const entrancesMax = 900;

const whichDoor = { acs_entrance_id: uuidText };

export function entranceRoutes(site: ApiSite): readonly Route[] {
  return [getRoute(site), listRoute(site), grantRoute(site), credentialsRoute(site)];
}

function getRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/entrances/get",
    role: "read",
    summary: "Gets an entrance: a door.",
    input: v.strictObject(whichDoor),
    answer: { key: "acs_entrance", is: "object", of: "acs_entrance" },
    handle: async (input) => {
      const row = await findDoor(site.issuer.store.rows, input.acs_entrance_id);
      return row.ok ? succeed({ acs_entrance: entranceJson(row.value, site.identity) }) : row;
    },
  });
}

const listInput = v.strictObject({
  acs_system_id: v.exactOptional(uuidText),
  acs_credential_id: v.exactOptional(uuidText),
  acs_entrance_ids: v.exactOptional(uuidList),
  connected_account_id: v.exactOptional(uuidText),
  search: v.exactOptional(textOf(200)),
  /** Of Seam's cloud: no door here belongs to one. */
  customer_key: v.exactOptional(textOf(200)),
  location_id: v.exactOptional(v.nullable(uuidText)),
  space_id: v.exactOptional(uuidText),
  ...pageEntries(entrancesMax),
});

type ListInput = v.InferOutput<typeof listInput>;

function listRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/entrances/list",
    role: "read",
    summary: "Lists entrances, the newest first.",
    input: listInput,
    answer: { key: "acs_entrances", is: "list", of: "acs_entrance", paged: true },
    handle: async (input, call) => {
      const { rows } = site.issuer.store;
      const system = isThisSystem(site.identity.systemId, input.acs_system_id);
      if (!system.ok) return system;
      const after = parsePageCursor(input.page_cursor);
      if (!after.ok) return after;
      let found = isElsewhere(site, input) ? [] : await listDoors(rows, input, after.value);
      if (input.acs_credential_id !== undefined) {
        const pass = await findPass(rows, input.acs_credential_id);
        if (!pass.ok) return pass;
        const open = await doorsForPass(site, rows, pass.value);
        found = found.filter(({ id }) => open.has(id));
      }
      const { page, pagination } = pageOf(found, input.limit, call);
      const entrances = page.map((row) => entranceJson(row, site.identity));
      return succeed({ acs_entrances: entrances, pagination });
    },
  });
}

function isElsewhere({ identity }: ApiSite, input: ListInput): boolean {
  const account = input.connected_account_id ?? identity.connectedAccountId;
  const isOfCloud =
    input.customer_key !== undefined ||
    (input.location_id ?? null) !== null ||
    input.space_id !== undefined;
  return isOfCloud || account !== identity.connectedAccountId;
}

/** All that come after the mark: a site has hundreds at most. */
async function listDoors(
  rows: Rows,
  { acs_entrance_ids: uuids, search }: ListInput,
  after: PageMark | undefined,
) {
  let query = rows.selectFrom("surroundings").selectAll().where("kind", "=", "door");
  if (search !== undefined) {
    query = query.where((row) =>
      row.or([
        contains(row.fn<string>("lower", ["name"]), search),
        row("uuid", "=", search.toLowerCase()),
      ]),
    );
  }
  if (after !== undefined) query = query.where(isBeyond(after));
  const found = await query.orderBy("createdAt", "desc").orderBy("id", "desc").execute();
  const wanted = new Set(uuids);
  return uuids === undefined ? found : found.filter(({ uuid }) => wanted.has(uuid));
}

function grantRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/acs/entrances/grant_access",
    role: "issue",
    summary: "Gives a user access to one entrance, at all times.",
    input: v.strictObject({
      ...whichDoor,
      acs_user_id: v.exactOptional(uuidText),
      user_identity_id: v.exactOptional(uuidText),
    }),
    handle: async (input, call) => {
      const { acs_user_id: uuid } = input;
      if (input.user_identity_id !== undefined) {
        return fail(inputFault({ user_identity_id: [noIdentities] }));
      }
      if (uuid === undefined) {
        return fail(inputFault({ acs_user_id: ["expected this field"] }));
      }
      return await issue(site, call, async (change) => {
        const door = await findDoor(change.rows, input.acs_entrance_id);
        if (!door.ok) return door;
        const user = asField(await findUser(change.rows, uuid), "acs_user_id");
        if (!user.ok) return user;
        await addMember(change, await ruleOfDoor(change, door.value), user.value);
        return succeed({});
      });
    },
  });
}

/** The rule for whoever was granted this door by name, made for the first of them. */
async function ruleOfDoor(change: IssuingChange, door: DoorRow): Promise<RuleRow> {
  const known = await change.rows
    .selectFrom("rules")
    .selectAll()
    .where("grantedDoor", "=", door.id)
    .executeTakeFirst();
  if (known !== undefined) return known;
  const row: RuleRow = {
    id: drawId(),
    uuid: randomUUID(),
    origin: "api",
    kind: "grant",
    name: door.name,
    doors: JSON.stringify([door.id]),
    zones: "[]",
    schedule: null,
    grantedDoor: door.id,
    createdAt: change.at,
  };
  await change.rows.insertInto("rules").values(row).execute();
  change.touch.rule(ruleId(row.id));
  const subject = { kind: "rule", id: row.id };
  change.note({ action: "rule.create", subject, detail: { door: door.id } });
  return row;
}

function credentialsRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/entrances/list_credentials_with_access",
    role: "read",
    summary: "Lists the credentials that an entrance admits, now or at some time to come.",
    input: v.strictObject({
      ...whichDoor,
      include_if: v.exactOptional(
        v.array(
          v.picklist(["visionline_metadata.is_valid"], '"visionline_metadata.is_valid"'),
          "a list of conditions",
        ),
        [],
      ),
    }),
    answer: { key: "acs_credentials", is: "list", of: "acs_credential" },
    handle: async (input) => {
      const { rows } = site.issuer.store;
      const door = await findDoor(rows, input.acs_entrance_id);
      if (!door.ok) return door;
      const passes = await passesForDoor(site, rows, door.value);
      const isWanted = (metadata: string | null): boolean =>
        input.include_if.length === 0 || isValidThere(metadata);
      const wanted = passes.filter(({ brandMetadata }) => isWanted(brandMetadata));
      return succeed({ acs_credentials: await credentialsJson(site, rows, wanted) });
    },
  });
}

function isValidThere(metadata: string | null): boolean {
  const brands = JSON.parse(metadata ?? "{}") as {
    readonly visionline_metadata?: { readonly is_valid?: boolean };
  };
  return brands.visionline_metadata?.is_valid === true;
}
