import type { SiteId } from "../../domain/ids.ts";
import { nameUuid } from "../name-uuid.ts";

/** What the API calls the site itself, the same on every machine. */
export interface ApiIdentity {
  readonly systemId: string;
  readonly workspaceId: string;
  readonly connectedAccountId: string;
}

export function apiIdentity(site: SiteId): ApiIdentity {
  return {
    systemId: nameUuid(site, "acs_system"),
    workspaceId: nameUuid(site, "workspace"),
    connectedAccountId: nameUuid(site, "connected_account"),
  };
}
