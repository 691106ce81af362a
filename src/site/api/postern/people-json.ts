import type { PassRow, UserRow } from "../../store/store-schema.ts";
import type { Rows } from "../acs/find-rows.ts";
import { isoOf } from "../acs/user-json.ts";
import type { ApiSite } from "../api-site.ts";
import { relativesOf } from "../pass-relatives.ts";
import { syncOfPasses } from "../pass-sync.ts";

const momentOf = (at: number | null): string | null => (at === null ? null : isoOf(at));

/** A user in our own words: with what tables call them, and with traits. */
export function personJson(row: UserRow) {
  return {
    acs_user_id: row.uuid,
    id: row.id,
    name: row.name,
    email_address: row.email,
    phone_number: row.phone,
    suspended: row.suspended === 1,
    traits: JSON.parse(row.traits) as readonly string[],
    starts_at: momentOf(row.startsAt),
    ends_at: momentOf(row.endsAt),
    origin: row.origin,
    created_at: isoOf(row.createdAt),
  };
}

/** Passes in our own words, with how far the doors are with each. */
export async function passesJson(site: ApiSite, rows: Rows, passes: readonly PassRow[]) {
  const relatives = await relativesOf(rows, passes);
  const { owners } = relatives;
  const states = await syncOfPasses(site, rows, passes, relatives);
  return passes.map((row) => {
    const owner = owners.get(row.userId ?? "");
    return {
      acs_credential_id: row.uuid,
      id: row.id,
      acs_user_id: owner?.uuid ?? null,
      user: owner?.id ?? null,
      user_name: owner?.name ?? null,
      kind: row.kind,
      display_name: row.displayName,
      state: row.state,
      active: row.active === 1,
      starts_at: momentOf(row.startsAt),
      ends_at: momentOf(row.endsAt),
      uses: row.usesMax,
      traits: JSON.parse(row.traits) as readonly string[],
      origin: row.origin,
      /** At the doors: `synced`, `updating`, `failed`. */
      sync: states.get(row.id) ?? "updating",
      created_at: isoOf(row.createdAt),
    };
  });
}
