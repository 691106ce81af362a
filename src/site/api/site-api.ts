import type { Clock } from "../../../hal/clock.ts";
import type { ApiKey } from "../api-key.ts";
import type { SiteLog } from "../site-log.ts";
import { acsRoutes } from "./acs/acs-routes.ts";
import { type ApiApp, type ApiAppOptions, createApiApp } from "./api-app.ts";
import { apiKeyCheck } from "./api-key-check.ts";
import type { ApiSite } from "./api-site.ts";
import { describeApi } from "./open-api.ts";
import { peopleRoutes } from "./postern/people-routes.ts";
import { posternRoutes } from "./postern/postern-routes.ts";
import type { ApplySiteFile } from "./postern/site-routes.ts";
import type { Route } from "./route.ts";

export interface SiteApiOptions extends Pick<ApiAppOptions, "limits"> {
  readonly site: ApiSite;
  /** Of the state folder: an administrator's. */
  readonly fileKey: ApiKey;
  readonly clock: Pick<Clock, "monotonic" | "wall">;
  readonly log: SiteLog;
  readonly applyFile: ApplySiteFile;
  /** Beside those of the store: what streams, commands, enrols. */
  readonly routes?: readonly Route[];
}

type RouteParts = Pick<SiteApiOptions, "site" | "applyFile" | "routes">;

export function siteApiRoutes({ site, applyFile, routes = [] }: RouteParts): readonly Route[] {
  const own = [...posternRoutes(site, applyFile), ...peopleRoutes(site)];
  return [...acsRoutes(site), ...own, ...routes];
}

/** Everything that the site answers over HTTP. */
export function createSiteApi(options: SiteApiOptions): ApiApp {
  const { site, fileKey } = options;
  const routes = siteApiRoutes(options);
  const description = describeApi(routes);
  return createApiApp({
    ...options,
    routes,
    open: { "/health": () => ({ ok: true }), "/openapi.json": () => description },
    keys: apiKeyCheck(fileKey, site.issuer.store.rows),
  });
}
