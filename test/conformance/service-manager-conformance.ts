import type { Test } from "tap";
import type { ServiceManager } from "../../hal/service-manager.ts";

export interface ServiceManagerRig {
  /** One that watches with 5 s. */
  readonly service: ServiceManager;
  /** The next so many words that it heard. */
  heard(count: number): Promise<readonly string[]>;
  /** From now on nobody listens. */
  leave(): Promise<void>;
}

/** What `hal/service-manager.ts` promises, of any implementation. */
export function serviceManagerConformance(
  t: Test,
  makeRig: (t: Test) => Promise<ServiceManagerRig>,
): void {
  t.test("each word is heard, in the order in which they are said", async (t) => {
    const { service, heard } = await makeRig(t);
    t.equal(service.watchdogMs, 5_000);
    service.ready();
    service.status("Türen: 2");
    service.alive();
    service.stopping();
    t.same(await heard(4), ["ready", "status Türen: 2", "alive", "stopping"]);
  });

  t.test("no word throws when nobody listens", async (t) => {
    const { service, leave } = await makeRig(t);
    await leave();
    for (const word of ["ready", "alive", "stopping"] as const) {
      t.doesNotThrow(() => service[word](), word);
    }
    t.doesNotThrow(() => service.status("idle"));
  });
}
