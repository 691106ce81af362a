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
export const { openSiteFolder } =
  await compiled<typeof import("../../../src/site/state-folder.ts")>("src/site/state-folder");
export const { openSiteKeys, sealerOf } =
  await compiled<typeof import("../../../src/site/site-keys.ts")>("src/site/site-keys");
export const { openTableShelf } =
  await compiled<typeof import("../../../src/site/table-shelf.ts")>("src/site/table-shelf");
export const { TableRequests } =
  await compiled<typeof import("../../../src/site/table-requests.ts")>("src/site/table-requests");
export const { TableSnapshots } = await compiled<
  typeof import("../../../src/site/table-snapshots.ts")
>("src/site/table-snapshots");
export const { scopeOf } =
  await compiled<typeof import("../../../src/site/event-intake.ts")>("src/site/event-intake");
export const { openTableGet } = await compiled<
  typeof import("../../../src/protocols/sync/table-get.ts")
>("src/protocols/sync/table-get");
export const { sealTableHead } = await compiled<
  typeof import("../../../src/protocols/sync/table-head.ts")
>("src/protocols/sync/table-head");
export const { controllerOfTopic, topicsFor } = await compiled<
  typeof import("../../../src/protocols/sync/topics.ts")
>("src/protocols/sync/topics");
export const { startEngineThread } = await compiled<
  typeof import("../../../src/compose/engine-thread.ts")
>("src/compose/engine-thread");
export const { modelOfSiteFile, parseSiteFile } =
  await compiled<typeof import("../../../src/site/site-file.ts")>("src/site/site-file");
