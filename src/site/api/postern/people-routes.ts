import type { ApiSite } from "../api-site.ts";
import type { Route } from "../route.ts";
import { importRoute } from "./import-route.ts";
import { peopleCreateRoutes } from "./people-create-routes.ts";
import { peopleExportRoute } from "./people-export-route.ts";
import { peopleListRoutes } from "./people-list-routes.ts";

/** Users and passes as the command line asks for them: in our own words, and many at a time. */
export function peopleRoutes(site: ApiSite): readonly Route[] {
  return [
    ...peopleListRoutes(site),
    ...peopleCreateRoutes(site),
    importRoute(site),
    peopleExportRoute(site),
  ];
}
