// `controllers-part.ts BROKER` plays any number of controllers in one process.
import { join } from "node:path";
import { type AwaitedCards, LightController } from "./light-controller.ts";
import { playPart } from "./part-process.ts";

export interface OpenedController {
  readonly controller: string;
  readonly provision: string;
  readonly folder: string;
}

export type ControllersPart = typeof part;

const [brokerUrl = ""] = process.argv.slice(2);
const controllers = new Map<string, LightController>();
let awaited: Promise<readonly bigint[]> = Promise.resolve([]);
/** Each verifies its first table in a thread: more at once than there are processors gain nothing. */
const openedAtOnce = 4;

const part = {
  /** Resolves when each of them has its first table, with how long each took from being opened. */
  open: async (all: readonly OpenedController[]): Promise<readonly number[]> => {
    const tookMs: number[] = [];
    const waiting = [...all];
    const openNext = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { controller, provision, folder } = next;
        const opened = new LightController();
        const startedAt = performance.now();
        await opened.open({ brokerUrl, provision, folder: join(folder, controller) });
        tookMs.push(performance.now() - startedAt);
        controllers.set(controller, opened);
      }
    };
    await Promise.all(Array.from({ length: openedAtOnce }, openNext));
    return tookMs;
  },
  /** The most memory that the process has had resident at any time. */
  peakBytes: async (_: undefined): Promise<number> => process.resourceUsage().maxRSS * 1_024,
  /** At those of these that are played here. Resolves when it is seen to. */
  await: async (what: AwaitedCards & { readonly at: readonly string[] }): Promise<void> => {
    const here = what.at.flatMap((controller) => controllers.get(controller) ?? []);
    awaited = Promise.all(here.map((controller) => controller.firstGrant(what)));
  },
  /** The instants at which what was awaited last came about. */
  grants: async (_: undefined): Promise<readonly bigint[]> => awaited,
  close: async (_: undefined): Promise<void> => {
    await Promise.all([...controllers.values()].map((controller) => controller.close()));
  },
};
playPart(part);
