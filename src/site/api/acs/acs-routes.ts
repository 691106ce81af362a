import type { ApiSite } from "../api-site.ts";
import type { Route } from "../route.ts";
import { credentialRoutes } from "./credential-routes.ts";
import { entranceRoutes } from "./entrance-routes.ts";
import { groupRoutes } from "./group-routes.ts";
import { groupWriteRoutes } from "./group-write-routes.ts";
import { systemRoutes } from "./system-routes.ts";
import { userAccessRoutes } from "./user-access-routes.ts";
import { userRoutes } from "./user-routes.ts";

/** What Seam's clients ask of an access control system. */
export function acsRoutes(site: ApiSite): readonly Route[] {
  return [
    ...systemRoutes(site),
    ...userRoutes(site),
    ...userAccessRoutes(site),
    ...credentialRoutes(site),
    ...entranceRoutes(site),
    ...groupRoutes(site),
    ...groupWriteRoutes(site),
  ];
}
