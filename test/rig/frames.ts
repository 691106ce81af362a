import { availableParallelism } from "node:os";
import { Seeded } from "../../hal/sim/seeded.ts";
import { encodeCard, standardFormats } from "../../src/protocols/wiegand/format.ts";
import { countFrames, type PresentedFrame } from "./frame-count.ts";
import type { ListenOptions, RigTarget, Stoppable } from "./rig-target.ts";
import { frontReader, labReader } from "./rig-world.ts";
import type { Scenario, ScenarioResult } from "./scenario.ts";
import { verdict } from "./verdict.ts";

export type Load = "idle" | "hog" | "stall";

export interface FramesOptions {
  readonly intervalUs: number;
  readonly load: Load;
  /** Between one frame and the next. */
  readonly restMs?: number;
}

/** Simulated lines move in the real time of this machine. */
const counts = {
  smoke: { sim: 200, kernel: 200, bench: 200 },
  full: { sim: 2_000, kernel: 100_000, bench: 100_000 },
};

/** Presentations that one plan has: its stamps and its text are one file each. */
const frameCountOfPlan = 2_000;

/** More than the silence of 3 ms that ends a frame at both of these paces. */
const leastRestMs = 4;

/** Later by this part of an interval, a pulse is not where a reader would have it. */
const bentPart = 1 / 4;

/** Of a garbage collection, a slow disk, a careless loop: more than what any of them takes. */
export const stall = { everyMs: 100, forMs: 20 } as const;

/** A busy loop for each core, and one more. */
export const hogCount = 2;

/** Cards of two lengths that a reader tells apart by their count, at random, for each reader in turn. */
export function randomFrames(seed: number, count: number): readonly PresentedFrame[] {
  const random = new Seeded(seed, "frames");
  const formats = standardFormats.filter(({ name }) => name === "H10301" || name === "H10304");
  return Array.from({ length: count }, (_, index) => {
    const format = formats[random.between(0, 1)];
    if (format === undefined) throw new Error("H10301 and H10304 are no standard formats");
    const fields = { facility: random.between(0, 255), number: random.between(0, 65_535) };
    const encoded = encodeCard(format, fields);
    if (!encoded.ok) throw new Error(`${format.name} does not take ${JSON.stringify(fields)}`);
    return { reader: index % 2 === 0 ? frontReader : labReader, slots: encoded.value };
  });
}

export interface FramesRead {
  readonly count: number;
  readonly right: number;
  readonly wrong: number;
  readonly lost: number;
  readonly bent: number;
  readonly misread: number;
  readonly lostEdgeCount: number;
  readonly rssBytes: number;
  /** How long frames came. */
  readonly forMs: number;
  /** Of one core, meanwhile. */
  readonly cpuShare: number;
}

/** Presents frames at both readers at once to a process that reads them by `driver`. */
export async function readFrames(
  rig: RigTarget,
  options: FramesOptions & { readonly driver: ListenOptions["driver"]; readonly count: number },
): Promise<FramesRead> {
  const { intervalUs, load, driver, count, restMs = leastRestMs } = options;
  const listener = await rig.listen({ driver, ...(load === "stall" ? { stall } : {}) });
  let hogs: Stoppable | undefined;
  try {
    if (load === "hog") hogs = await rig.hog(Math.max(hogCount, availableParallelism()));
    const frames = randomFrames(rig.seed, count);
    const presented: PresentedFrame[] = [];
    const before = await listener.usage();
    for (let from = 0; from < frames.length; from += frameCountOfPlan) {
      const presentations = frames.slice(from, from + frameCountOfPlan);
      const sent = await rig.present({ presentations, intervalUs, restMs });
      for (const [index, frame] of presentations.entries()) {
        const isBent = (sent[index]?.lateUs ?? 0) > intervalUs * bentPart;
        presented.push({ ...frame, isBent });
      }
      rig.note(`${Math.min(from + frameCountOfPlan, count)} of ${count} frames were presented`);
    }
    const after = await listener.usage();
    const heard = await listener.heard();
    const health = Object.values(await listener.health());
    const forMs = (after.at - before.at) / 1e6;
    return {
      count,
      ...countFrames(presented, heard),
      lostEdgeCount: health.reduce((sum, { lostEdgeCount }) => sum + lostEdgeCount, 0),
      rssBytes: after.rssBytes,
      forMs,
      cpuShare: (after.cpuMs - before.cpuMs) / forMs,
    };
  } finally {
    await hogs?.stop();
    await listener.close();
  }
}

const loadText: Readonly<Record<Load, string>> = {
  idle: "on an idle machine",
  hog: "under a CPU hog",
  stall: `with the event loop stalled ${stall.forMs} of every ${stall.everyMs} ms`,
};

/** Every frame is read, and none as a card that nobody presented. */
export function framesScenario(
  options: FramesOptions & Pick<Scenario, "name" | "targets" | "isSmoke">,
): Scenario {
  const { intervalUs, load, name, targets, isSmoke } = options;
  return {
    name,
    title: `Two readers at once, ${intervalUs} us a bit, ${loadText[load]}: no frame is lost or wrong`,
    targets,
    time: "exact",
    isSmoke,
    secondsMax: isSmoke ? 43_200 : 86_400,
    run: async (rig): Promise<ScenarioResult> => {
      const count = rig.count ?? counts[rig.isSmoke ? "smoke" : "full"][rig.kind];
      const read = await readFrames(rig, { intervalUs, load, driver: "character_device", count });
      const { right, wrong, lost, bent, misread, lostEdgeCount } = read;
      const faults = [
        ...(wrong > 0 ? [`${wrong} WRONG cards`] : []),
        ...(lost > 0 ? [`${lost} frames lost`] : []),
      ];
      return verdict(
        faults,
        `${right} of ${count} frames right, ${bent} bent on the wire, ${misread} misread, ` +
          `${lostEdgeCount} edges lost`,
      );
    },
  };
}
