import type { Clock } from "../../../hal/clock.ts";
import type { ApiKey } from "../api-key.ts";
import type { SiteLog } from "../site-log.ts";
import { acsRoutes } from "./acs/acs-routes.ts";
import { type ApiApp, type ApiAppOptions, createApiApp } from "./api-app.ts";
import { apiKeyCheck } from "./api-key-check.ts";
import type { ApiSite } from "./api-site.ts";
import type { Route } from "./route.ts";

export interface SiteApiOptions extends Pick<ApiAppOptions, "limits"> {
  readonly site: ApiSite;
  /** Of the state folder: an administrator's. */
  readonly fileKey: ApiKey;
  readonly clock: Pick<Clock, "monotonic" | "wall">;
  readonly log: SiteLog;
  /** Beside those of the store: what watches, streams, commands. */
  readonly routes?: readonly Route[];
}

/** Everything that the site answers over HTTP. */
export function createSiteApi(options: SiteApiOptions): ApiApp {
  const { site, fileKey, routes = [] } = options;
  return createApiApp({
    ...options,
    routes: [...acsRoutes(site), ...routes],
    open: { "/health": () => ({ ok: true }) },
    keys: apiKeyCheck(fileKey, site.issuer.store.rows),
  });
}
