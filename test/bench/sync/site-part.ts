// `site-part.ts FOLDER BROKER` plays the site: the program's own service over a link of its own.

import { controllerId, siteId } from "../../../src/domain/ids.ts";
import type { BrokerLink } from "../../../src/protocols/sync/broker-link.ts";
import type { SiteModel } from "../../../src/site/site-model.ts";
import { modelDifference } from "../../unit/site/model-difference.ts";
import { connectMqtt, createSystemClock } from "../compiled/controller-program.ts";
import {
  modelOfSiteFile,
  openSiteService,
  parseSiteFile,
  serialiseProvision,
} from "../compiled/site-program.ts";
import { playPart } from "./part-process.ts";
import { rest } from "./rest.ts";
import { siteName } from "./site-text.ts";

export interface AppliedAt {
  /** CLOCK_MONOTONIC, ns: just before the file was handed to the service. */
  readonly startedAt: bigint;
  readonly returnedMs: number;
}

/** The work of one change, from when the file was handed over to the last delta given to the link. */
export interface PublishedDeltas {
  readonly count: number;
  readonly lastMs: number;
  /** Of all threads of the process. */
  readonly cpuMs: number;
  /** Controllers of which the site does not know that they have the change. */
  readonly unheardCount: number;
}

export type SitePart = typeof part;

const [folder = "", brokerUrl = ""] = process.argv.slice(2);
const clock = createSystemClock({ quality: () => "trusted" });
const link = connectMqtt({
  url: brokerUrl,
  clientId: "postern-site-bench",
  clock,
  onLost: (why) => process.stderr.write(`bench: site: ${why}\n`),
});
/** Nothing of what a site has to say belongs in a measurement: messages that are lost least of all. */
const say = (fields: Readonly<Record<string, unknown>>, message: string) => {
  process.stderr.write(`bench: site: ${message} ${JSON.stringify(fields)}\n`);
};
let changeStartedAt = performance.now();
let changeStartedCpu = process.cpuUsage();
let lastPublishAt = performance.now();
let deltas: PublishedDeltas = { count: 0, lastMs: 0, cpuMs: 0, unheardCount: 0 };
/** What `publish` is called with is counted; it goes its way as it is. */
const watched: BrokerLink = {
  publish: (topic, payload, options) => {
    lastPublishAt = performance.now();
    if (topic.endsWith("/table/delta")) {
      const { user, system } = process.cpuUsage(changeStartedCpu);
      deltas = {
        count: deltas.count + 1,
        lastMs: lastPublishAt - changeStartedAt,
        cpuMs: (user + system) / 1_000,
        unheardCount: 0,
      };
    }
    return link.publish(topic, payload, options);
  },
  subscribe: (filter, listener) => link.subscribe(filter, listener),
  onUp: (listener) => link.onUp(listener),
  onDown: (listener) => link.onDown(listener),
  close: () => link.close(),
};
const service = await openSiteService({
  stateFolder: folder,
  site: siteId(siteName),
  link: watched,
  clock,
  log: { info: say, warn: say },
});
/** Of which there are none. */
const noPinKey = new Uint8Array(32);
let told: SiteModel | undefined;
/** Longer than heads are gathered for, and statuses wait to be said. */
const quietMs = 2_500;
const hearingMs = 10_000;

const part = {
  provisions: async (controllers: readonly string[]): Promise<readonly string[]> =>
    controllers.map((controller) =>
      serialiseProvision(service.provisionFor(controllerId(controller))),
    ),
  apply: async (text: string): Promise<AppliedAt> => {
    deltas = { count: 0, lastMs: 0, cpuMs: 0, unheardCount: 0 };
    const startedAt = process.hrtime.bigint();
    changeStartedAt = performance.now();
    changeStartedCpu = process.cpuUsage();
    const parsed = parseSiteFile({ text, file: "bench.toml" });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.fault.slice(0, 3)));
    const model = modelOfSiteFile(parsed.value, noPinKey);
    const applied = service.change(modelDifference(told, model, 1));
    if (!applied.ok) throw new Error(JSON.stringify(applied.fault));
    told = model;
    return { startedAt, returnedMs: performance.now() - changeStartedAt };
  },
  /**
   * Resolves when every controller has said that its table is in force and nothing more goes out; or
   * when so much time has passed that a broker must have dropped what some of them said.
   */
  settled: async (_: undefined): Promise<PublishedDeltas> => {
    const sinceLast = () => performance.now() - lastPublishAt;
    const unheardCount = () =>
      service.controllers().filter(({ sync }) => sync !== undefined && sync.state !== "complete")
        .length;
    while (sinceLast() <= quietMs || (unheardCount() > 0 && sinceLast() < hearingMs))
      await rest(50);
    return { ...deltas, unheardCount: unheardCount() };
  },
};
playPart(part);
