import * as v from "valibot";
import { fail, succeed } from "../../../domain/result.ts";
import type { Rows } from "../acs/find-rows.ts";
import { inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { contains } from "../like-pattern.ts";
import { isBeyond, type PageMark, pageEntries, pageOf, parsePageCursor } from "../page.ts";
import { jsonRoute, type Route } from "../route.ts";
import { textOf, uuidText } from "../schema-parts.ts";
import { passesJson, personJson } from "./people-json.ts";

/** Who and what is meant by what people type, and lists in our own words. */
export function peopleListRoutes(site: ApiSite): readonly Route[] {
  return [usersRoute(site), passesRoute(site)];
}

const userListInput = v.strictObject({
  /** Whoever has this id, this UUID or exactly this name. */
  user: v.exactOptional(textOf(200)),
  search: v.exactOptional(textOf(200)),
  ...pageEntries(),
});

function usersRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/users/list",
    role: "read",
    summary:
      "Lists users, the newest first: all, those who are called so, or who are searched for.",
    input: userListInput,
    answer: { key: "users", is: "list", of: "user", paged: true },
    handle: async (input, call) => {
      const after = parsePageCursor(input.page_cursor);
      if (!after.ok) return after;
      const found = await listUsers(issuer.store.rows, input, after.value);
      const { page, pagination } = pageOf(found, input.limit, call);
      return succeed({ users: page.map(personJson), pagination });
    },
  });
}

async function listUsers(
  rows: Rows,
  { user, search, limit }: v.InferOutput<typeof userListInput>,
  after: PageMark | undefined,
) {
  let query = rows.selectFrom("users").selectAll();
  if (user !== undefined) {
    const known = await query
      .where((row) => row.or([row("id", "=", user), row("uuid", "=", user.toLowerCase())]))
      .execute();
    // What somebody is called must not take the place of another's id.
    if (known.length > 0) return known;
    query = query.where("name", "=", user);
  }
  if (search !== undefined) query = query.where((row) => contains(row.ref("sought"), search));
  if (after !== undefined) query = query.where(isBeyond(after));
  return await query
    .orderBy("createdAt", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
}

const passListInput = v.strictObject({
  /** Whichever has this id or this UUID. */
  pass: v.exactOptional(textOf(64)),
  /** This user's. */
  acs_user_id: v.exactOptional(uuidText),
  ...pageEntries(),
});

function passesRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/passes/list",
    role: "read",
    summary: "Lists passes, the newest first, with traits and how far the doors are with them.",
    input: passListInput,
    answer: { key: "passes", is: "list", of: "pass", paged: true },
    handle: async (input, call) => {
      if (input.pass !== undefined && input.acs_user_id !== undefined) {
        return fail(inputFault({ pass: ["expected it or acs_user_id, not both"] }));
      }
      const after = parsePageCursor(input.page_cursor);
      if (!after.ok) return after;
      const { rows } = site.issuer.store;
      const found = await listPasses(rows, input, after.value);
      const { page, pagination } = pageOf(found, input.limit, call);
      return succeed({ passes: await passesJson(site, rows, page), pagination });
    },
  });
}

async function listPasses(
  rows: Rows,
  { pass, acs_user_id: user, limit }: v.InferOutput<typeof passListInput>,
  after: PageMark | undefined,
) {
  let query = rows.selectFrom("passes").selectAll();
  if (pass !== undefined) {
    query = query.where((row) =>
      row.or([row("id", "=", pass), row("uuid", "=", pass.toLowerCase())]),
    );
  }
  if (user !== undefined) {
    query = query.where("userId", "=", (row) =>
      row.selectFrom("users").select("id").where("uuid", "=", user),
    );
  }
  if (after !== undefined) query = query.where(isBeyond(after));
  return await query
    .orderBy("createdAt", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
}
