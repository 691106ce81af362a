import { compiled } from "./compiled.ts";

/** What the benchmarks use of the compiled program at a door. */
export const { authorize } =
  await compiled<typeof import("../../../src/core/authorize.ts")>("src/core/authorize");
export const { openTableStore } = await compiled<
  typeof import("../../../src/controller/table-store.ts")
>("src/controller/table-store");
export const { createSystemClock } =
  await compiled<typeof import("../../../hal/linux/system-clock.ts")>("hal/linux/system-clock");
export const { openTableDelta } = await compiled<
  typeof import("../../../src/protocols/sync/table-delta.ts")
>("src/protocols/sync/table-delta");
export const { openerOf } = await compiled<
  typeof import("../../../src/protocols/sync/site-seal.ts")
>("src/protocols/sync/site-seal");
export const { parseProvision } = await compiled<
  typeof import("../../../src/protocols/sync/provision.ts")
>("src/protocols/sync/provision");
export const { connectMqtt } =
  await compiled<typeof import("../../../src/compose/mqtt-link.ts")>("src/compose/mqtt-link");
export const { createSyncClient, offlineWill } = await compiled<
  typeof import("../../../src/controller/sync-client.ts")
>("src/controller/sync-client");
export const { openSiteKeyStore } = await compiled<
  typeof import("../../../src/controller/site-key-store.ts")
>("src/controller/site-key-store");
