// `image-site-part.ts FOLDER BROKER PASSES` plays a site with one controller and a table of so many
// passes: as the program's site does, it makes the image when it is asked for and keeps it, and sends
// chunks within the program's own limits. There is no site file, which would be the larger of the two.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ControllerId } from "../../../src/domain/ids.ts";
import type { TableMark } from "../../../src/domain/table-change.ts";
import { connectMqtt, createSystemClock } from "../compiled/controller-program.ts";
import {
  controllerOfTopic,
  openSiteFolder,
  openSiteKeys,
  openTableGet,
  openTableShelf,
  scopeOf,
  sealerOf,
  sealTableHead,
  serialiseProvision,
  TableRequests,
  TableSnapshots,
  topicsFor,
} from "../compiled/site-program.ts";
import { now } from "../decision/world.ts";
import { frame, passesOf, usersOf } from "../table/people.ts";
import { playPart } from "./part-process.ts";

export type ImageSitePart = typeof part;

const [folder = "", brokerUrl = "", passWord = ""] = process.argv.slice(2);
const passCount = Number(passWord);
const { site, controller } = frame;
mkdirSync(folder, { recursive: true, mode: 0o700 });
const keys = openSiteKeys(openSiteFolder(folder), site);
const provision = keys.provisionFor(controller);
const clock = createSystemClock({ quality: () => "trusted" });
const topics = topicsFor(site, controller);
const link = connectMqtt({
  url: brokerUrl,
  clientId: "postern-site-bench",
  clock,
  onLost: (why) => process.stderr.write(`bench: site: ${why}\n`),
});
const log = { info: () => {}, warn: () => {} };

const mark: TableMark = { epoch: 1, version: 1, tag: 1 };
const snapshots = new TableSnapshots({
  keys,
  clock,
  contentOf: () => ({
    mark,
    compiledAt: now,
    frame,
    users: usersOf(passCount),
    passes: passesOf(passCount),
  }),
  leadsOn: () => true,
});
const answerHead = (_controller: ControllerId, request: string) =>
  sealTableHead(sealerOf(keys, controller), { mark, deltasFrom: mark.version + 1, request });
const requests = new TableRequests({
  keys,
  link,
  clock,
  log,
  snapshots,
  shelf: openTableShelf({ file: join(folder, "tables.sqlite3"), signer: "bench", log }),
  heads: { answer: answerHead },
});
await link.subscribe(topics.tableGet, (topic, payload) => {
  const get = openTableGet(scopeOf(keys, controller), payload);
  if (!get.ok || controllerOfTopic(site, topic) !== controller)
    throw new Error("not our controller");
  requests.take(controller, get.value);
});
await new Promise<void>((resolve) => link.onUp(resolve));
await link.publish(
  topics.tableHead,
  sealTableHead(sealerOf(keys, controller), { mark, deltasFrom: mark.version + 1 }),
  { qos: 1, retain: true },
);

const part = {
  provision: async (_: undefined): Promise<string> => serialiseProvision(provision),
  /** Made by now if it was asked for. */
  imageBytes: async (_: undefined): Promise<number> =>
    snapshots.of(controller)?.parts.imageBytes ?? Number.NaN,
};
playPart(part);
