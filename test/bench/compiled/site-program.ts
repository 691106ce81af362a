import { compiled } from "./compiled.ts";

/** What the benchmarks use of the compiled program at a site. */
export const { buildTableImage } = await compiled<
  typeof import("../../../src/core/access-table/build-table-image.ts")
>("src/core/access-table/build-table-image");
export const { sealChunks } = await compiled<
  typeof import("../../../src/protocols/sync/snapshot-chunk.ts")
>("src/protocols/sync/snapshot-chunk");
export const { sealTableDelta } = await compiled<
  typeof import("../../../src/protocols/sync/table-delta.ts")
>("src/protocols/sync/table-delta");
export const { deriveKeys, serialiseProvision } = await compiled<
  typeof import("../../../src/protocols/sync/provision.ts")
>("src/protocols/sync/provision");
export const { openSiteService } =
  await compiled<typeof import("../../../src/site/site-service.ts")>("src/site/site-service");
export const { startEmbeddedBroker } = await compiled<
  typeof import("../../../src/compose/embedded-broker.ts")
>("src/compose/embedded-broker");
