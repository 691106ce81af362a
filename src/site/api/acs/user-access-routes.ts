import * as v from "valibot";
import { succeed } from "../../../domain/result.ts";
import type { ApiSite } from "../api-site.ts";
import { issue } from "../issue.ts";
import { jsonRoute, type Route } from "../route.ts";
import { uuidText } from "../schema-parts.ts";
import { doorsForPass, doorsForUser } from "./access-asked.ts";
import { entrancesJson } from "./entrance-json.ts";
import { findPass } from "./find-rows.ts";
import { admittingKinds } from "./rule-doors.ts";
import { findWhichUser, whichUser } from "./user-input.ts";
import { removeMember, rulesOf, updateUser } from "./write-user.ts";

export function userAccessRoutes(site: ApiSite): readonly Route[] {
  return [
    suspensionRoute(site, "suspend"),
    suspensionRoute(site, "unsuspend"),
    userEntrancesRoute(site),
    passEntrancesRoute(site),
    revokeRoute(site),
  ];
}

function suspensionRoute(site: ApiSite, verb: "suspend" | "unsuspend"): Route {
  return jsonRoute({
    methods: ["POST"],
    path: `/acs/users/${verb}`,
    role: "issue",
    summary:
      verb === "suspend"
        ? "Suspends a user: everything that was issued to them is denied."
        : "Ends a user's suspension.",
    input: v.strictObject(whichUser),
    handle: async (input, call) =>
      await issue(site, call, async (change) => {
        const row = await findWhichUser(site, change.rows, input);
        if (!row.ok) return row;
        await updateUser(change, row.value, { suspended: verb === "suspend" ? 1 : 0 });
        return succeed({});
      }),
  });
}

function userEntrancesRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/users/list_accessible_entrances",
    role: "read",
    summary: "Lists the entrances to which rules give a user access.",
    input: v.strictObject(whichUser),
    answer: { key: "acs_entrances", is: "list", of: "acs_entrance" },
    handle: async (input) => {
      const { rows } = site.issuer.store;
      const row = await findWhichUser(site, rows, input);
      if (!row.ok) return row;
      const doors = await doorsForUser(rows, row.value.id);
      return succeed({ acs_entrances: await entrancesJson(rows, doors, site.identity) });
    },
  });
}

function passEntrancesRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/credentials/list_accessible_entrances",
    role: "read",
    summary: "Lists the entrances that admit a credential, now or at some time to come.",
    input: v.strictObject({ acs_credential_id: uuidText }),
    answer: { key: "acs_entrances", is: "list", of: "acs_entrance" },
    handle: async (input) => {
      const { rows } = site.issuer.store;
      const row = await findPass(rows, input.acs_credential_id);
      if (!row.ok) return row;
      const doors = await doorsForPass(site, rows, row.value);
      return succeed({ acs_entrances: await entrancesJson(rows, doors, site.identity) });
    },
  });
}

function revokeRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/acs/users/revoke_access_to_all_entrances",
    role: "issue",
    summary: "Takes a user out of every rule that admits them anywhere.",
    input: v.strictObject(whichUser),
    handle: async (input, call) =>
      await issue(site, call, async (change) => {
        const row = await findWhichUser(site, change.rows, input);
        if (!row.ok) return row;
        for (const rule of await rulesOf(change, row.value)) {
          if (!admittingKinds.some((kind) => kind === rule.kind)) continue;
          const done = await removeMember(change, rule, row.value);
          if (!done.ok) return done;
        }
        return succeed({});
      }),
  });
}
