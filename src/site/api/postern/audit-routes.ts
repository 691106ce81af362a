import * as v from "valibot";
import { fail, succeed } from "../../../domain/result.ts";
import type { AuditRow } from "../../store/store-schema.ts";
import { isoOf } from "../acs/user-json.ts";
import { inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { pageEntries } from "../page.ts";
import { jsonRoute, type Route } from "../route.ts";
import { instantText, textOf } from "../schema-parts.ts";

const word = v.exactOptional(textOf(200));

export function auditRoutes({ issuer }: ApiSite): readonly Route[] {
  const list = jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/audit/list",
    role: "admin",
    summary: "Lists who changed what, and why, the latest first.",
    input: v.strictObject({
      actor: word,
      action: word,
      subject_kind: word,
      subject_id: word,
      since: v.exactOptional(instantText),
      before: v.exactOptional(instantText),
      ...pageEntries(),
    }),
    answer: { key: "audit_entries", is: "list", of: "audit_entry", paged: true },
    handle: async (input, { url }) => {
      const cursor = input.page_cursor ?? undefined;
      const after = cursor === undefined ? undefined : positionOf(cursor);
      if (cursor !== undefined && after === undefined) {
        return fail(inputFault({ page_cursor: ["expected a page_cursor of an earlier answer"] }));
      }
      let query = issuer.store.rows.selectFrom("audit").selectAll();
      if (after !== undefined) query = query.where("position", "<", after);
      if (input.actor !== undefined) query = query.where("actor", "=", input.actor);
      if (input.action !== undefined) query = query.where("action", "=", input.action);
      if (input.subject_kind !== undefined) {
        query = query.where("subjectKind", "=", input.subject_kind);
      }
      if (input.subject_id !== undefined) query = query.where("subjectId", "=", input.subject_id);
      if (input.since !== undefined) query = query.where("at", ">=", input.since);
      if (input.before !== undefined) query = query.where("at", "<", input.before);
      const found = await query
        .orderBy("position", "desc")
        .limit(input.limit + 1)
        .execute();
      const page = found.slice(0, input.limit);
      const last = found.length > input.limit ? page.at(-1) : undefined;
      return succeed({ audit_entries: page.map(entryJson), pagination: pagination(last, url) });
    },
  });
  return [list];
}

function entryJson(row: Omit<AuditRow, "position"> & { readonly position: number }) {
  return {
    position: row.position,
    at: isoOf(row.at),
    actor: row.actor,
    action: row.action,
    subject_kind: row.subjectKind,
    subject_id: row.subjectId,
    reason: row.reason,
    request_id: row.requestId,
    detail: JSON.parse(row.detail) as unknown,
  };
}

function pagination(last: { readonly position: number } | undefined, url: URL) {
  if (last === undefined) {
    return { next_page_cursor: null, has_next_page: false, next_page_url: null };
  }
  const cursor = Buffer.from(String(last.position)).toString("base64");
  const next = new URL(url);
  next.searchParams.set("page_cursor", cursor);
  return { next_page_cursor: cursor, has_next_page: true, next_page_url: next.href };
}

function positionOf(cursor: string): number | undefined {
  const position = Number(Buffer.from(cursor, "base64").toString("utf8"));
  return Number.isSafeInteger(position) && position > 0 ? position : undefined;
}
