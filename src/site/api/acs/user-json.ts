import type { UserRow } from "../../store/store-schema.ts";
import type { ApiIdentity } from "../api-identity.ts";

export const isoOf = (at: number): string => new Date(at).toISOString();

/** Seam's `acs_user`. */
export function userJson(row: UserRow, identity: ApiIdentity) {
  const { startsAt, endsAt, createdAt } = row;
  return {
    acs_user_id: row.uuid,
    acs_system_id: identity.systemId,
    workspace_id: identity.workspaceId,
    connected_account_id: identity.connectedAccountId,
    created_at: isoOf(createdAt),
    display_name: row.name,
    full_name: row.name,
    ...(row.email !== null && { email: row.email, email_address: row.email }),
    ...(row.phone !== null && { phone_number: row.phone }),
    is_suspended: row.suspended === 1,
    // A schedule has a beginning in Seam's terms; a user who only has an end was there before.
    ...((startsAt !== null || endsAt !== null) && {
      access_schedule: {
        starts_at: isoOf(startsAt ?? createdAt),
        ends_at: endsAt === null ? null : isoOf(endsAt),
      },
    }),
    errors: [],
    warnings: [],
    pending_mutations: [],
    last_successful_sync_at: null,
    is_managed: true,
  };
}
