import type { WebhookReach } from "../webhook-url.ts";
import type { ApiSite } from "./api-site.ts";
import { eventRoutes } from "./event-routes.ts";
import { type EventStreamRouteParts, eventStreamRoute } from "./postern/event-stream-route.ts";
import type { Route } from "./route.ts";
import { webhookRoutes } from "./webhook-routes.ts";

export interface NoticeRoutesParts extends EventStreamRouteParts {
  readonly reach: WebhookReach;
}

/** What the site tells: asked for, as it happens, and posted elsewhere. */
export function noticeRoutes(site: ApiSite, parts: NoticeRoutesParts): readonly Route[] {
  return [...eventRoutes(site), ...webhookRoutes(site, parts.reach), eventStreamRoute(parts)];
}
