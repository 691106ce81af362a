import type { ApiSite } from "../api-site.ts";
import type { Route } from "../route.ts";
import { auditRoutes } from "./audit-routes.ts";
import { keyRoutes } from "./key-routes.ts";
import { mobileKeyRoutes } from "./mobile-key-routes.ts";
import { overrideRoutes } from "./override-routes.ts";
import { personRoutes } from "./person-routes.ts";
import { policyRoutes } from "./policy-routes.ts";
import { ruleRoutes } from "./rule-routes.ts";
import { type ApplySiteFile, siteRoutes } from "./site-routes.ts";
import { surroundingRoutes } from "./surrounding-routes.ts";
import { watchRoutes } from "./watch-routes.ts";

/** What Seam's words do not reach: the site itself, its doors and rules, who may do what. */
export function posternRoutes(site: ApiSite, apply: ApplySiteFile): readonly Route[] {
  return [
    ...siteRoutes(site, apply),
    ...watchRoutes(site),
    ...surroundingRoutes(site),
    ...overrideRoutes(site),
    ...ruleRoutes(site),
    ...personRoutes(site),
    ...policyRoutes(site),
    ...keyRoutes(site),
    ...mobileKeyRoutes(site),
    ...auditRoutes(site),
  ];
}
