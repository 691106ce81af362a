import type { EngineEars, SiteEngine } from "./site-engine.ts";
import { openSiteService, type SiteServiceOptions } from "./site-service.ts";

export type SiteEngineOptions = Omit<SiteServiceOptions, "ears">;

/**
 * The engine in this thread. Nothing of it is in force before the first `apply`, which says all that
 * there is. Throws a `StateError` where its files are not fit for use; `apply` rejects with a
 * `SqliteError` where the disk fails, and changes nothing then.
 */
export async function openSiteEngine(
  options: SiteEngineOptions,
  ears: EngineEars,
): Promise<SiteEngine> {
  const service = await openSiteService({ ...options, ears });
  return {
    apply: async (change) => service.change(change),
    controllers: async () => service.controllers(),
    update: async (controllers, how) => service.update(controllers, how),
    syncOf: async (passes) => service.syncOf(passes),
    explain: async (question) => service.explain(question),
    events: async (query) => service.events.page(query),
    command: (controller, command) => service.command(controller, command),
    rotateKey: async () => service.rotateKey(),
    close: async () => service.close(),
  };
}
