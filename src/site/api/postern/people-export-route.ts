import * as v from "valibot";
import { succeed } from "../../../domain/result.ts";
import { idText } from "../../../protocols/toml/toml-schema.ts";
import { byIds } from "../../store/by-ids.ts";
import type { PassRow, UserRow } from "../../store/store-schema.ts";
import type { Rows } from "../acs/find-rows.ts";
import { admittingKinds } from "../acs/rule-doors.ts";
import type { ApiSite } from "../api-site.ts";
import { jsonRoute, type Route } from "../route.ts";
import { countUpTo } from "../schema-parts.ts";
import { rawFormat } from "./import-schema.ts";
import { personJson } from "./people-json.ts";

const pageMax = 1_000;

/**
 * People as `/postern/import` takes them, by their ids. Whoever has it can copy cards, so that it is for
 * administrators, and each export is in the audit log. PINs are in none: they are kept as digests.
 */
export function peopleExportRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/users/export",
    role: "admin",
    summary: "Lists users by id with their groups and cards, as they are imported.",
    input: v.strictObject({
      /** The last of the page before; absent for the first. */
      after: v.exactOptional(idText),
      limit: v.exactOptional(countUpTo(pageMax), pageMax),
    }),
    answer: { key: "users", is: "list", of: "user" },
    handle: async ({ after, limit }, { author }) => {
      if (after === undefined) {
        await issuer.store.change(author, async ({ note }) => {
          note({ action: "user.export", subject: { kind: "user", id: "*" } });
          return succeed(undefined);
        });
      }
      const { rows } = issuer.store;
      const users = await rows
        .selectFrom("users")
        .selectAll()
        .where("id", ">", after ?? "")
        .orderBy("id")
        .limit(limit)
        .execute();
      return succeed({ users: await exportedUsers(rows, users) });
    },
  });
}

async function exportedUsers(rows: Rows, users: readonly UserRow[]) {
  const ids = users.map(({ id }) => id);
  const passes = await byIds(ids, (part) =>
    rows
      .selectFrom("passes")
      .selectAll()
      .where("userId", "in", part)
      // Not by moment or id: those are new where the same cards were imported.
      .orderBy("raw")
      .orderBy("id")
      .execute(),
  );
  const members = await byIds(ids, (part) =>
    rows
      .selectFrom("ruleUsers")
      .innerJoin("rules", "rules.id", "ruleUsers.ruleId")
      .select(["ruleUsers.ruleId", "ruleUsers.userId"])
      .where("ruleUsers.userId", "in", part)
      .where("rules.kind", "in", admittingKinds)
      .where("rules.grantedDoor", "is", null)
      .orderBy("ruleUsers.ruleId")
      .execute(),
  );
  const passesOf = byUser(passes);
  const groupsOf = byUser(members);
  return users.map((row) => ({
    ...personJson(row),
    access_groups: (groupsOf.get(row.id) ?? []).map(({ ruleId }) => ruleId),
    passes: (passesOf.get(row.id) ?? []).map(exportedPass),
  }));
}

function byUser<Row extends { readonly userId: string | null }>(rows: readonly Row[]) {
  const grouped = new Map<string, Row[]>();
  for (const row of rows) {
    const group = grouped.get(row.userId ?? "");
    if (group === undefined) grouped.set(row.userId ?? "", [row]);
    else group.push(row);
  }
  return grouped;
}

const momentOf = (at: number | null): string | null =>
  at === null ? null : new Date(at).toISOString();

function exportedPass(row: PassRow) {
  return {
    kind: row.kind,
    ...cardOf(row),
    active: row.active === 1,
    starts_at: momentOf(row.startsAt),
    ends_at: momentOf(row.endsAt),
    uses: row.usesMax,
    traits: JSON.parse(row.traits) as readonly string[],
  };
}

/** Null of what is no card with a number: a PIN, a phone, a card that is not written yet. */
function cardOf({ kind, raw, cardFormat, cardFields }: PassRow) {
  if (raw === null || kind !== "csn_card") return { card_format: null, card_number: null };
  if (cardFormat === null || cardFields === null) {
    return { card_format: rawFormat, card_number: raw };
  }
  const fields = Object.values(JSON.parse(cardFields) as Readonly<Record<string, unknown>>);
  return { card_format: cardFormat, card_number: fields.map(String).join(":") };
}
