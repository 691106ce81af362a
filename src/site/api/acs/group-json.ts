import type { RuleRow } from "../../store/store-schema.ts";
import type { ApiIdentity } from "../api-identity.ts";
import { isoOf } from "./user-json.ts";

/**
 * Seam's description asks for a brand's word for the type and knows no neutral one. This one belongs
 * to none of the brands whose groups its clients treat in a way of their own.
 */
const groupType = "kisi_access_group";
const groupTypeName = "Access group";

/** Seam's `acs_access_group`. */
export function groupJson(row: RuleRow, identity: ApiIdentity) {
  return {
    acs_access_group_id: row.uuid,
    acs_system_id: identity.systemId,
    workspace_id: identity.workspaceId,
    connected_account_id: identity.connectedAccountId,
    name: row.name,
    display_name: row.name,
    access_group_type: groupType,
    access_group_type_display_name: groupTypeName,
    external_type: groupType,
    external_type_display_name: groupTypeName,
    created_at: isoOf(row.createdAt),
    errors: [],
    warnings: [],
    pending_mutations: [],
    is_managed: true,
  };
}
