import type { PassKind } from "../../../domain/access.ts";
import type { PassRow } from "../../store/store-schema.ts";
import type { ApiSite } from "../api-site.ts";
import { relativesOf } from "../pass-relatives.ts";
import { syncOfPasses } from "../pass-sync.ts";
import type { Rows } from "./find-rows.ts";
import { isoOf } from "./user-json.ts";

export const accessMethods = ["code", "card", "mobile_key", "cloud_key"] as const;

const methodOf: Readonly<Record<PassKind, (typeof accessMethods)[number]>> = {
  pin: "code",
  csn_card: "card",
  nfc_card: "card",
  mobile: "mobile_key",
};

/** What the answer to its making shows, and no later one: nobody has it afterwards. */
export interface ClearParts {
  readonly code?: string;
  readonly cardNumber?: string;
}

/** Seam's `acs_credential`, for each row in its order. */
export async function credentialsJson(
  site: ApiSite,
  rows: Rows,
  passes: readonly PassRow[],
  clear: ClearParts = {},
) {
  const { identity } = site;
  const relatives = await relativesOf(rows, passes);
  const { owners, parents } = relatives;
  const states = await syncOfPasses(site, rows, passes, relatives);
  return passes.map((row) => {
    const owner = owners.get(row.userId ?? "");
    const parent = parents.get(row.parentId ?? "")?.uuid;
    return {
      acs_credential_id: row.uuid,
      ...(owner !== undefined && { acs_user_id: owner.uuid }),
      ...(parent !== undefined && { parent_acs_credential_id: parent }),
      acs_system_id: identity.systemId,
      workspace_id: identity.workspaceId,
      connected_account_id: identity.connectedAccountId,
      display_name: row.displayName,
      code: clear.code ?? null,
      card_number: clear.cardNumber ?? null,
      access_method: methodOf[row.kind],
      is_one_time_use: row.usesMax === 1,
      is_issued: row.state === "issued",
      issued_at: row.issuedAt === null ? null : isoOf(row.issuedAt),
      created_at: isoOf(row.createdAt),
      ...(row.startsAt !== null && { starts_at: isoOf(row.startsAt) }),
      ...(row.endsAt !== null && { ends_at: isoOf(row.endsAt) }),
      errors: [],
      warnings: [...(JSON.parse(row.warnings) as object[]), ...waitingWarning(row)],
      is_multi_phone_sync_credential: row.isMultiPhone === 1,
      is_latest_desired_state_synced_with_provider: states.get(row.id) === "synced",
      latest_desired_state_synced_with_provider_at: null,
      ...(row.brandMetadata !== null && (JSON.parse(row.brandMetadata) as object)),
      is_managed: true,
    };
  });
}

export async function credentialJson(
  site: ApiSite,
  rows: Rows,
  pass: PassRow,
  clear: ClearParts = {},
) {
  const [credential] = await credentialsJson(site, rows, [pass], clear);
  return { acs_credential: credential };
}

/** A phone's pass waits for its phone, which nobody has to be told; a card waits for a writer. */
function waitingWarning({ state, kind, createdAt }: PassRow): readonly object[] {
  if (state === "issued" || kind === "mobile") return [];
  return [
    {
      warning_code: "waiting_to_be_issued",
      message: "The card is not written yet: encode it at an encoder.",
      created_at: isoOf(createdAt),
    },
  ];
}
