import type { SiteHardware } from "../site-hardware.ts";
import { actionAttemptRoutes } from "./acs/action-attempt-routes.ts";
import { encoderRoutes } from "./acs/encoder-routes.ts";
import { unlockRoute } from "./acs/unlock-route.ts";
import type { ApiSite } from "./api-site.ts";
import { enrolmentRoutes } from "./postern/enrolment-routes.ts";
import { remoteUnlockRoutes } from "./postern/remote-unlock-routes.ts";
import type { Route } from "./route.ts";

/** What doors, readers and encoders are asked to do: for `createSiteApi`'s `routes`. */
export function hardwareRoutes(site: ApiSite, hardware: SiteHardware): readonly Route[] {
  return [
    ...encoderRoutes(site, hardware),
    unlockRoute(site, hardware),
    ...actionAttemptRoutes(site, hardware.attempts),
    ...enrolmentRoutes(site, hardware),
    ...remoteUnlockRoutes(site),
  ];
}
