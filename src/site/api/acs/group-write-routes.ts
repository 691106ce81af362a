import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type { RuleRow } from "../../store/store-schema.ts";
import { type ApiFault, inputFault } from "../api-fault.ts";
import { type ApiSite, drawId } from "../api-site.ts";
import { issue } from "../issue.ts";
import { insertRule, writeRule } from "../postern/rule-routes.ts";
import { jsonRoute, type Route } from "../route.ts";
import { nameText, uuidList, uuidText } from "../schema-parts.ts";
import { asField, findDoor, findGroup, type Rows } from "./find-rows.ts";
import { groupJson } from "./group-json.ts";
import { isThisSystem } from "./user-input.ts";

const answer = { key: "acs_access_group", is: "object", of: "acs_access_group" } as const;

/** In Seam's words, though Seam itself has these routes for no brand yet. */
export function groupWriteRoutes(site: ApiSite): readonly Route[] {
  return [createRoute(site), updateRoute(site)];
}

function createRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/acs/access_groups/create",
    role: "admin",
    summary: "Creates an access group for some entrances, at all times.",
    input: v.strictObject({
      acs_system_id: v.exactOptional(uuidText),
      name: nameText,
      acs_entrance_ids: uuidList,
    }),
    answer,
    handle: async (input, call) => {
      const system = isThisSystem(site.identity.systemId, input.acs_system_id);
      if (!system.ok) return asField(system, "acs_system_id");
      return await issue(site, call, async (change) => {
        const doors = await doorsOf(change.rows, input.acs_entrance_ids);
        if (!doors.ok) return doors;
        const row: RuleRow = {
          id: drawId(),
          uuid: randomUUID(),
          origin: "api",
          kind: "grant",
          name: input.name,
          doors: JSON.stringify(doors.value),
          zones: "[]",
          schedule: null,
          grantedDoor: null,
          createdAt: change.at,
        };
        const made = await insertRule(change, row, []);
        return made.ok ? succeed({ acs_access_group: groupJson(row, site.identity) }) : made;
      });
    },
  });
}

function updateRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["PATCH", "POST"],
    path: "/acs/access_groups/update",
    role: "admin",
    summary: "Changes an access group's name, or its entrances.",
    input: v.strictObject({
      acs_access_group_id: uuidText,
      name: v.exactOptional(nameText),
      acs_entrance_ids: v.exactOptional(uuidList),
    }),
    answer,
    handle: async (input, call) =>
      await issue(site, call, async (change) => {
        const group = await findGroup(change.rows, input.acs_access_group_id);
        if (!group.ok) return group;
        const row = group.value;
        const { acs_entrance_ids: ids, name = row.name } = input;
        const doors = ids === undefined ? undefined : await doorsOf(change.rows, ids);
        if (doors?.ok === false) return doors;
        const { kind, schedule } = row;
        const next = await writeRule(change, row, {
          kind,
          schedule,
          name,
          doors: doors?.value ?? (JSON.parse(row.doors) as readonly string[]),
          // Entrances that were said one by one are all that it is for.
          zones: ids === undefined ? (JSON.parse(row.zones) as readonly string[]) : [],
        });
        return succeed({ acs_access_group: groupJson(next, site.identity) });
      }),
  });
}

async function doorsOf(
  rows: Rows,
  uuids: readonly string[],
): Promise<Result<readonly string[], ApiFault>> {
  if (uuids.length === 0) {
    return fail(inputFault({ acs_entrance_ids: ["expected one entrance or more"] }));
  }
  const doors = new Set<string>();
  for (const [index, uuid] of uuids.entries()) {
    const door = asField(await findDoor(rows, uuid), `acs_entrance_ids.${index}`);
    if (!door.ok) return door;
    doors.add(door.value.id);
  }
  return succeed([...doors]);
}
