import * as v from "valibot";
import { fail, succeed } from "../../../domain/result.ts";
import type { UserRow } from "../../store/store-schema.ts";
import { inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { issue } from "../issue.ts";
import { contains } from "../like-pattern.ts";
import { isBeyond, isUpTo, type PageMark, pageEntries, pageOf, parsePageCursor } from "../page.ts";
import { jsonRoute, type Route } from "../route.ts";
import {
  instantText,
  mailText,
  nameText,
  phoneText,
  textOf,
  uuidList,
  uuidText,
} from "../schema-parts.ts";
import { type SearchedList, searchRows } from "../search-rows.ts";
import { asField, findGroup, type Rows } from "./find-rows.ts";
import { findWhichUser, isThisSystem, noIdentities, whichUser } from "./user-input.ts";
import { userJson } from "./user-json.ts";
import { accessSchedule, noSpan, userSpan } from "./user-schedule.ts";
import { addMember, createUser, deleteUser, updateUser } from "./write-user.ts";

const mailEntries = {
  /** Seam's older word for `email_address`. */
  email: v.exactOptional(mailText),
  email_address: v.exactOptional(mailText),
};

const answer = { key: "acs_user", is: "object", of: "acs_user" } as const;

export function userRoutes(site: ApiSite): readonly Route[] {
  return [createRoute(site), getRoute(site), listRoute(site), updateRoute(site), deleteRoute(site)];
}

function mailOf(input: { readonly email?: string; readonly email_address?: string }) {
  const { email, email_address: address = email } = input;
  if (email === undefined || email === address) return succeed(address);
  return fail(inputFault({ email: ["expected email_address alone, or the same"] }));
}

function createRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/acs/users/create",
    role: "issue",
    summary: "Creates a user.",
    input: v.strictObject({
      acs_system_id: uuidText,
      full_name: nameText,
      ...mailEntries,
      phone_number: v.exactOptional(phoneText),
      access_schedule: v.exactOptional(accessSchedule),
      acs_access_group_ids: v.exactOptional(uuidList, []),
      user_identity_id: v.exactOptional(uuidText),
    }),
    answer,
    handle: async (input, call) => {
      if (input.user_identity_id !== undefined) {
        return fail(inputFault({ user_identity_id: [noIdentities] }));
      }
      const system = isThisSystem(site.identity.systemId, input.acs_system_id);
      if (!system.ok) return asField(system, "acs_system_id");
      const email = mailOf(input);
      if (!email.ok) return email;
      const { access_schedule: schedule } = input;
      const span = schedule === undefined ? succeed(noSpan) : userSpan(schedule, call.at);
      if (!span.ok) return span;
      return await issue(site, call, async (change) => {
        const row = await createUser(change, {
          name: input.full_name,
          email: email.value ?? null,
          phone: input.phone_number ?? null,
          traits: "[]",
          ...span.value,
        });
        for (const [index, uuid] of input.acs_access_group_ids.entries()) {
          const group = await findGroup(change.rows, uuid);
          if (!group.ok) return asField(group, `acs_access_group_ids.${index}`);
          await addMember(change, group.value, row);
        }
        return succeed({ acs_user: userJson(row, site.identity) });
      });
    },
  });
}

function getRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/users/get",
    role: "read",
    summary: "Gets a user.",
    input: v.strictObject(whichUser),
    answer,
    handle: async (input) => {
      const row = await findWhichUser(site, site.issuer.store.rows, input);
      return row.ok ? succeed({ acs_user: userJson(row.value, site.identity) }) : row;
    },
  });
}

const listInput = v.strictObject({
  acs_system_id: v.exactOptional(uuidText),
  created_before: v.exactOptional(instantText),
  search: v.exactOptional(textOf(200)),
  user_identity_id: v.exactOptional(uuidText),
  user_identity_email_address: v.exactOptional(textOf(254)),
  user_identity_phone_number: v.exactOptional(textOf(40)),
  ...pageEntries(),
});

function listRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/users/list",
    role: "read",
    summary: "Lists users, the newest first.",
    input: listInput,
    answer: { key: "acs_users", is: "list", of: "acs_user", paged: true },
    handle: async (input, call) => {
      const system = isThisSystem(site.identity.systemId, input.acs_system_id);
      if (!system.ok) return system;
      const after = parsePageCursor(input.page_cursor);
      if (!after.ok) return after;
      const rows = await listUsers(site.issuer.store.rows, input, after.value);
      const { page, pagination } = pageOf(rows, input.limit, call);
      return succeed({ acs_users: page.map((row) => userJson(row, site.identity)), pagination });
    },
  });
}

async function listUsers(
  rows: Rows,
  input: v.InferOutput<typeof listInput>,
  after: PageMark | undefined,
) {
  const { created_before: before, search, limit } = input;
  const isOfIdentity =
    input.user_identity_id ?? input.user_identity_email_address ?? input.user_identity_phone_number;
  // Nobody here belongs to one.
  if (isOfIdentity !== undefined) return [];
  const from = (mark: PageMark | undefined, end?: PageMark) => {
    let query = rows.selectFrom("users").orderBy("createdAt", "desc").orderBy("id", "desc");
    if (before !== undefined) query = query.where("createdAt", "<", before);
    if (mark !== undefined) query = query.where(isBeyond(mark));
    return end === undefined ? query : query.where(isUpTo(end));
  };
  if (search === undefined)
    return await from(after)
      .selectAll()
      .limit(limit + 1)
      .execute();
  const list: SearchedList<UserRow> = {
    endOf: (mark, count) =>
      from(mark)
        .select(["createdAt", "id"])
        .offset(count - 1)
        .limit(1)
        .executeTakeFirst(),
    sought: (mark, end, most) =>
      from(mark, end)
        .selectAll()
        .where((row) =>
          row.or([contains(row.ref("sought"), search), row("uuid", "=", search.toLowerCase())]),
        )
        .limit(most)
        .execute(),
  };
  return await searchRows(list, after, limit + 1);
}

function updateRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["PATCH", "POST"],
    path: "/acs/users/update",
    role: "issue",
    summary: "Changes a user's name, addresses or schedule.",
    input: v.strictObject({
      ...whichUser,
      full_name: v.exactOptional(nameText),
      ...mailEntries,
      phone_number: v.exactOptional(phoneText),
      access_schedule: v.exactOptional(v.nullable(accessSchedule)),
      hid_acs_system_id: v.exactOptional(uuidText),
    }),
    handle: async (input, call) => {
      const email = mailOf(input);
      if (!email.ok) return email;
      const { full_name: name, phone_number: phone, access_schedule: schedule } = input;
      const span =
        schedule === undefined || schedule === null ? succeed(noSpan) : userSpan(schedule, call.at);
      if (!span.ok) return span;
      return await issue(site, call, async (change) => {
        const row = await findWhichUser(site, change.rows, input);
        if (!row.ok) return row;
        await updateUser(change, row.value, {
          ...(name !== undefined && { name }),
          ...(email.value !== undefined && { email: email.value }),
          ...(phone !== undefined && { phone }),
          ...(schedule !== undefined && span.value),
        });
        return succeed({});
      });
    },
  });
}

function deleteRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["DELETE", "POST"],
    path: "/acs/users/delete",
    role: "issue",
    summary: "Deletes a user with everything that was issued to them.",
    input: v.strictObject(whichUser),
    handle: async (input, call) =>
      await issue(site, call, async (change) => {
        const row = await findWhichUser(site, change.rows, input);
        if (!row.ok) return row;
        const gone = await deleteUser(change, row.value);
        return gone.ok ? succeed({}) : gone;
      }),
  });
}
