import { MessageChannel } from "node:worker_threads";
import type { Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import type { ControllerId } from "../../../src/domain/ids.ts";
import { sealTableAck, type TableAck } from "../../../src/protocols/sync/table-ack-message.ts";
import { topicsFor } from "../../../src/protocols/sync/topics.ts";
import { scopeOf } from "../../../src/site/event-intake.ts";
import { hostEngine } from "../../../src/site/host-engine.ts";
import { openSiteEngine } from "../../../src/site/open-site-engine.ts";
import type { EngineEars, SiteEngine } from "../../../src/site/site-engine.ts";
import { openSiteKeys } from "../../../src/site/site-keys.ts";
import { openSiteFolder } from "../../../src/site/state-folder.ts";
import { ThreadedEngine } from "../../../src/site/threaded-engine.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { LogText, site, temporaryFolder } from "./site-rig.ts";
import { TableTaker } from "./table-taker.ts";

class Ears implements EngineEars {
  readonly heard: number[] = [];
  readonly changed: ControllerId[] = [];

  events(stored: Parameters<EngineEars["events"]>[0]): void {
    this.heard.push(...stored.map(({ position }) => position));
  }

  controllerChanged(controller: ControllerId): void {
    this.changed.push(controller);
  }
}

export interface EngineRig {
  readonly folder: string;
  readonly broker: MemoryBroker;
  readonly clock: SimClock;
  readonly ears: Ears;
  readonly engine: SiteEngine;
  readonly service: ReturnType<typeof openSiteKeys>;
}

export type OpenEngine = typeof openSiteEngine;

/** In another thread, but for the thread: what is said goes through a port, as copies. */
export const openOverPort: OpenEngine = async (options, ears) => {
  const { port1, port2 } = new MessageChannel();
  const hosted = hostEngine({
    port: {
      say: (message) => port2.postMessage(message),
      hear: (take) => void port2.on("message", take),
    },
    open: (hostEars) => openSiteEngine(options, hostEars),
    closed: async () => undefined,
  });
  const engine = new ThreadedEngine(
    {
      say: (message) => port1.postMessage(message),
      hear: (take) => void port1.on("message", take),
    },
    ears,
  );
  hosted.then(
    () => port2.close(),
    (error: unknown) => engine.ended(error instanceof Error ? error : new Error(String(error))),
  );
  await engine.opened;
  return engine;
};

export async function startEngine(
  t: Test,
  open: OpenEngine,
  folder = temporaryFolder(t),
): Promise<EngineRig> {
  const broker = new MemoryBroker();
  const clock = new SimClock({ wallAt: 1_800_000_000_000 });
  const ears = new Ears();
  const parts = { stateFolder: folder, site, link: broker, clock, log: new LogText() };
  const engine = await open(parts, ears);
  t.teardown(() => engine.close());
  return {
    folder,
    broker,
    clock,
    ears,
    engine,
    // Opened when they are needed: a site makes a controller's key when it first has a door.
    get service() {
      return openSiteKeys(openSiteFolder(folder), site);
    },
  };
}

export function tell(rig: EngineRig, controller: ControllerId, ack: TableAck): void {
  const message = sealTableAck(scopeOf(rig.service, controller), ack);
  rig.broker.deliver(topicsFor(site, controller).tableAck, message);
}

/** The controller says that it has what the site wants it to have. */
export function complete(rig: EngineRig, controller: ControllerId): void {
  const { mark } = new TableTaker(rig, controller).head();
  tell(rig, controller, { outcome: "complete", table: mark });
}
