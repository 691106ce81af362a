import * as v from "valibot";
import { ruleId, userId } from "../../../domain/ids.ts";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type { IssuingChange } from "../../issuer.ts";
import type { RuleRow, UserRow } from "../../store/store-schema.ts";
import { type ApiFault, inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { issue } from "../issue.ts";
import { contains } from "../like-pattern.ts";
import { type ApiCall, jsonRoute, type Route } from "../route.ts";
import { textOf, uuidText } from "../schema-parts.ts";
import { entrancesJson } from "./entrance-json.ts";
import { asField, findGroup, findUser, type Rows } from "./find-rows.ts";
import { groupJson } from "./group-json.ts";
import { loadRuleDoors } from "./rule-doors.ts";
import { isThisSystem, noIdentities } from "./user-input.ts";
import { userJson } from "./user-json.ts";
import { addMember, removeMember } from "./write-user.ts";

const whichGroup = { acs_access_group_id: uuidText };
const whichMember = {
  ...whichGroup,
  acs_user_id: v.exactOptional(uuidText),
  user_identity_id: v.exactOptional(uuidText),
};

export function groupRoutes(site: ApiSite): readonly Route[] {
  return [
    getRoute(site),
    listRoute(site),
    usersRoute(site),
    entrancesRoute(site),
    deleteRoute(site),
    memberRoute(site, {
      methods: ["PUT", "POST"],
      path: "/acs/access_groups/add_user",
      summary: "Adds a user to an access group.",
      act: addToGroup,
    }),
    memberRoute(site, {
      methods: ["PUT", "POST"],
      path: "/acs/users/add_to_access_group",
      summary: "Adds a user to an access group.",
      act: addToGroup,
    }),
    memberRoute(site, {
      methods: ["DELETE", "POST"],
      path: "/acs/access_groups/remove_user",
      summary: "Removes a user from an access group.",
      act: removeMember,
    }),
    memberRoute(site, {
      methods: ["DELETE", "POST"],
      path: "/acs/users/remove_from_access_group",
      summary: "Removes a user from an access group.",
      act: removeMember,
    }),
  ];
}

function getRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/access_groups/get",
    role: "read",
    summary: "Gets an access group: a rule that grants.",
    input: v.strictObject(whichGroup),
    answer: { key: "acs_access_group", is: "object", of: "acs_access_group" },
    handle: async (input) => {
      const row = await findGroup(site.issuer.store.rows, input.acs_access_group_id);
      return row.ok ? succeed({ acs_access_group: groupJson(row.value, site.identity) }) : row;
    },
  });
}

const listInput = v.strictObject({
  acs_system_id: v.exactOptional(uuidText),
  acs_user_id: v.exactOptional(uuidText),
  user_identity_id: v.exactOptional(uuidText),
  search: v.exactOptional(textOf(200)),
});

function listRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/access_groups/list",
    role: "read",
    summary: "Lists access groups.",
    input: listInput,
    answer: { key: "acs_access_groups", is: "list", of: "acs_access_group" },
    handle: async (input) => {
      const system = isThisSystem(site.identity.systemId, input.acs_system_id);
      if (!system.ok) return system;
      const groups = await listGroups(site.issuer.store.rows, input);
      return succeed({ acs_access_groups: groups.map((row) => groupJson(row, site.identity)) });
    },
  });
}

async function listGroups(
  rows: Rows,
  input: v.InferOutput<typeof listInput>,
): Promise<readonly RuleRow[]> {
  const { acs_user_id: user, search } = input;
  if (input.user_identity_id !== undefined) return [];
  let query = rows
    .selectFrom("rules")
    .selectAll()
    .where("kind", "=", "grant")
    .where("grantedDoor", "is", null);
  if (user !== undefined) {
    query = query.where("id", "in", (row) =>
      row
        .selectFrom("ruleUsers")
        .innerJoin("users", "users.id", "ruleUsers.userId")
        .select("ruleUsers.ruleId")
        .where("users.uuid", "=", user),
    );
  }
  if (search !== undefined) {
    query = query.where((row) =>
      row.or([
        contains(row.fn<string>("lower", ["name"]), search),
        row("uuid", "=", search.toLowerCase()),
      ]),
    );
  }
  return await query.orderBy("createdAt").orderBy("id").execute();
}

function usersRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/access_groups/list_users",
    role: "read",
    summary: "Lists the users of an access group.",
    input: v.strictObject(whichGroup),
    answer: { key: "acs_users", is: "list", of: "acs_user" },
    handle: async (input) => {
      const { rows } = site.issuer.store;
      const group = await findGroup(rows, input.acs_access_group_id);
      if (!group.ok) return group;
      const users = await rows
        .selectFrom("users")
        .innerJoin("ruleUsers", "ruleUsers.userId", "users.id")
        .selectAll("users")
        .where("ruleUsers.ruleId", "=", group.value.id)
        .orderBy("users.createdAt")
        .orderBy("users.id")
        .execute();
      return succeed({ acs_users: users.map((row) => userJson(row, site.identity)) });
    },
  });
}

function entrancesRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/access_groups/list_accessible_entrances",
    role: "read",
    summary: "Lists the entrances that an access group is for.",
    input: v.strictObject(whichGroup),
    answer: { key: "acs_entrances", is: "list", of: "acs_entrance" },
    handle: async (input) => {
      const { rows } = site.issuer.store;
      const group = await findGroup(rows, input.acs_access_group_id);
      if (!group.ok) return group;
      const doors = (await loadRuleDoors(rows)).doorsOf(group.value);
      return succeed({ acs_entrances: await entrancesJson(rows, doors, site.identity) });
    },
  });
}

function deleteRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["DELETE", "POST"],
    path: "/acs/access_groups/delete",
    role: "admin",
    summary: "Deletes an access group; its users stay.",
    input: v.strictObject(whichGroup),
    handle: async (input, call) =>
      await issue(site, call, async (change) => {
        const group = await findGroup(change.rows, input.acs_access_group_id);
        if (!group.ok) return group;
        await deleteRule(change, group.value);
        return succeed({});
      }),
  });
}

/** How far the doors are with its users' passes is counted from here. */
export async function deleteRule(change: IssuingChange, { id }: RuleRow): Promise<void> {
  const { rows, revision } = change;
  const members = await rows
    .selectFrom("ruleUsers")
    .select("userId")
    .where("ruleId", "=", id)
    .execute();
  await rows
    .updateTable("users")
    .set({ revision })
    .where("id", "in", (row) =>
      row.selectFrom("ruleUsers").select("userId").where("ruleId", "=", id),
    )
    .execute();
  for (const member of members) change.touch.member(ruleId(id), userId(member.userId));
  await rows.deleteFrom("ruleUsers").where("ruleId", "=", id).execute();
  await rows.deleteFrom("rules").where("id", "=", id).execute();
  change.touch.rule(ruleId(id));
  const detail = { users: members.length };
  change.note({ action: "rule.delete", subject: { kind: "rule", id }, detail });
}

async function addToGroup(change: IssuingChange, group: RuleRow, user: UserRow) {
  await addMember(change, group, user);
  return succeed(undefined);
}

interface MemberAct extends Pick<Route, "methods" | "path" | "summary"> {
  readonly act: (
    change: IssuingChange,
    group: RuleRow,
    user: UserRow,
  ) => Promise<Result<undefined, ApiFault>>;
}

function memberRoute(site: ApiSite, { act, ...head }: MemberAct): Route {
  return jsonRoute({
    ...head,
    role: "issue",
    input: v.strictObject(whichMember),
    handle: async (input, call: ApiCall) => {
      const { acs_user_id: uuid } = input;
      if (input.user_identity_id !== undefined) {
        return fail(inputFault({ user_identity_id: [noIdentities] }));
      }
      if (uuid === undefined) {
        return fail(inputFault({ acs_user_id: ["expected this field"] }));
      }
      return await issue(site, call, async (change) => {
        const group = await findGroup(change.rows, input.acs_access_group_id);
        if (!group.ok) return group;
        const user = asField(await findUser(change.rows, uuid), "acs_user_id");
        if (!user.ok) return user;
        const done = await act(change, group.value, user.value);
        return done.ok ? succeed({}) : done;
      });
    },
  });
}
