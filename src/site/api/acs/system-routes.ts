import * as v from "valibot";
import { succeed } from "../../../domain/result.ts";
import { zoneFact } from "../../model-rows.ts";
import type { ApiSite } from "../api-site.ts";
import { jsonRoute, type Route } from "../route.ts";
import { textOf, uuidText } from "../schema-parts.ts";
import { countOf, type Rows } from "./find-rows.ts";
import { isThisSystem } from "./user-input.ts";
import { isoOf } from "./user-json.ts";

/** The fact that says what the site is called. */
export const nameFact = "name";

/** Seam's description asks for a picture: a door, with no server behind it. */
const image =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E" +
  "%3Cpath d='M6 2h12v20H6zM15 11h1v2h-1z' fill='none' stroke='%23000'/%3E%3C/svg%3E";

export function systemRoutes(site: ApiSite): readonly Route[] {
  return [getRoute(site), listRoute(site), managersRoute(site)];
}

function getRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/systems/get",
    role: "read",
    summary: "Gets the access control system: this site.",
    input: v.strictObject({ acs_system_id: uuidText }),
    answer: { key: "acs_system", is: "object", of: "acs_system" },
    handle: async (input) => {
      const system = isThisSystem(site.identity.systemId, input.acs_system_id);
      return system.ok ? succeed({ acs_system: await systemJson(site) }) : system;
    },
  });
}

function listRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/systems/list",
    role: "read",
    summary: "Lists access control systems: this site.",
    input: v.strictObject({
      connected_account_id: v.exactOptional(uuidText),
      customer_key: v.exactOptional(textOf(200)),
      search: v.exactOptional(textOf(200)),
    }),
    answer: { key: "acs_systems", is: "list", of: "acs_system" },
    handle: async (input) => {
      const { connectedAccountId } = site.identity;
      const system = await systemJson(site);
      const isMeant =
        (input.connected_account_id ?? connectedAccountId) === connectedAccountId &&
        input.customer_key === undefined &&
        system.name.toLowerCase().includes((input.search ?? "").toLowerCase());
      return succeed({ acs_systems: isMeant ? [system] : [] });
    },
  });
}

function managersRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/systems/list_compatible_credential_manager_acs_systems",
    role: "read",
    summary: "Lists systems that issue credentials for this one: none, it does so itself.",
    input: v.strictObject({ acs_system_id: uuidText }),
    answer: { key: "acs_systems", is: "list", of: "acs_system" },
    handle: async (input) => {
      const system = isThisSystem(site.identity.systemId, input.acs_system_id);
      return system.ok ? succeed({ acs_systems: [] }) : system;
    },
  });
}

/** Seam's `acs_system`. */
async function systemJson({ site, identity, issuer }: ApiSite) {
  const { rows } = issuer.store;
  const facts = await rows
    .selectFrom("facts")
    .selectAll()
    .where("key", "in", [nameFact, zoneFact])
    .execute();
  const fact = (key: string) => facts.find((row) => row.key === key)?.value;
  return {
    acs_system_id: identity.systemId,
    acs_user_count: await countOf(rows, "users"),
    acs_access_group_count: await countGroups(rows),
    is_credential_manager: false,
    location: { time_zone: fact(zoneFact) ?? null },
    name: fact(nameFact) ?? site,
    created_at: isoOf(await firstAt(rows)),
    workspace_id: identity.workspaceId,
    connected_account_id: identity.connectedAccountId,
    connected_account_ids: [identity.connectedAccountId],
    image_url: image,
    image_alt_text: "A door",
    errors: [],
    warnings: [],
  };
}

async function countGroups(rows: Rows): Promise<number> {
  const { count } = await rows
    .selectFrom("rules")
    .select((row) => row.fn.countAll().as("count"))
    .where("kind", "=", "grant")
    .where("grantedDoor", "is", null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** When the first of the site's doors was made: as long as that there is something to control. */
async function firstAt(rows: Rows): Promise<number> {
  const first = await rows
    .selectFrom("surroundings")
    .select("createdAt")
    .orderBy("createdAt")
    .limit(1)
    .executeTakeFirst();
  return first?.createdAt ?? 0;
}
