import * as v from "valibot";
import { fail, succeed } from "../../../domain/result.ts";
import { type ActionAttempts, attemptAt } from "../../action-attempts.ts";
import { inputFault, notFound } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { isBeyond, type PageMark, pageEntries, pageOf, parsePageCursor } from "../page.ts";
import { jsonRoute, type Route } from "../route.ts";
import { uuidList, uuidText } from "../schema-parts.ts";
import { actionAttemptJson } from "./action-attempt-json.ts";

export function actionAttemptRoutes(site: ApiSite, attempts: ActionAttempts): readonly Route[] {
  return [getRoute(site, attempts), listRoute(site)];
}

function getRoute(site: ApiSite, attempts: ActionAttempts): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/action_attempts/get",
    role: "read",
    summary: "Gets an action attempt: pending, and then success or error.",
    input: v.strictObject({ action_attempt_id: uuidText }),
    answer: { key: "action_attempt", is: "object", of: "action_attempt" },
    handle: async (input) => {
      const row = await attempts.find(input.action_attempt_id);
      if (row === undefined) return notFound("action_attempt");
      return succeed({ action_attempt: await actionAttemptJson(site, row) });
    },
  });
}

const listInput = v.strictObject({
  action_attempt_ids: v.exactOptional(uuidList),
  /** Of Seam's devices, of which a site has none. */
  device_id: v.exactOptional(uuidText),
  ...pageEntries(),
});

function listRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/action_attempts/list",
    role: "read",
    summary: "Lists action attempts, the newest first.",
    input: listInput,
    answer: { key: "action_attempts", is: "list", of: "action_attempt", paged: true },
    handle: async (input, call) => {
      const after = parsePageCursor(input.page_cursor);
      if (!after.ok) return after;
      if (input.device_id !== undefined && input.action_attempt_ids !== undefined) {
        return fail(inputFault({ device_id: ["expected it without action_attempt_ids"] }));
      }
      const rows = input.device_id === undefined ? await newest(site, input, after.value) : [];
      const { page, pagination } = pageOf(rows, input.limit, call);
      const shown = [];
      for (const row of page) shown.push(await actionAttemptJson(site, attemptAt(row, call.at)));
      return succeed({ action_attempts: shown, pagination });
    },
  });
}

async function newest(
  { issuer }: ApiSite,
  { action_attempt_ids: ids, limit }: v.InferOutput<typeof listInput>,
  after: PageMark | undefined,
) {
  if (ids?.length === 0) return [];
  let query = issuer.store.rows.selectFrom("actionAttempts").selectAll();
  if (ids !== undefined) query = query.where("id", "in", ids);
  if (after !== undefined) query = query.where(isBeyond(after));
  return await query
    .orderBy("createdAt", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
}
