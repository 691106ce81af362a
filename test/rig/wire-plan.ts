import type { Level } from "../../hal/gpio.ts";
import { edgeNs } from "../../src/domain/time.ts";
import type { Presentation, Presented } from "./rig-target.ts";

/** One thing that happens on the wires. `afterMs` counts from the beginning of the plan. */
export type PlannedThing =
  | {
      readonly kind: "send";
      readonly reader: string;
      readonly afterMs: number;
      readonly slots: string;
    }
  | {
      readonly kind: "move";
      readonly afterMs: number;
      readonly line: string;
      readonly level: Level;
    };

export interface WirePlan {
  readonly pulseUs: number;
  readonly intervalUs: number;
  readonly restMs: number;
  readonly readers: readonly { readonly id: string; readonly d0: string; readonly d1: string }[];
  readonly things: readonly PlannedThing[];
}

/** The text that `kernel/wires.c` plays, with lines by name: their numbers are their places in it. */
export function wirePlanText(plan: WirePlan): string {
  const moved = plan.things.flatMap((thing) => (thing.kind === "move" ? [thing.line] : []));
  const lines = [...new Set([...plan.readers.flatMap(({ d0, d1 }) => [d0, d1]), ...moved])];
  const numberOf = new Map(lines.map((line, number) => [line, number]));
  const readerOf = new Map(plan.readers.map(({ id }, number) => [id, number]));
  const ns = (ms: number) => Math.round(ms * 1e6);
  const text = [
    ...lines.map((line) => `line ${line}`),
    `pulse ${plan.pulseUs * 1_000}`,
    `interval ${plan.intervalUs * 1_000}`,
    `rest ${ns(plan.restMs)}`,
    ...plan.readers.map(({ d0, d1 }) => `reader ${numberOf.get(d0)} ${numberOf.get(d1)}`),
  ];
  for (const thing of plan.things) {
    if (thing.kind === "move") {
      text.push(`move ${ns(thing.afterMs)} ${numberOf.get(thing.line)} ${thing.level}`);
      continue;
    }
    const reader = readerOf.get(thing.reader);
    if (reader === undefined) throw new Error(`reader "${thing.reader}" is not on these wires`);
    if (!/^[01b-]+$/.test(thing.slots)) throw new Error(`slots: expected 0, 1, b and -`);
    text.push(`send ${reader} ${ns(thing.afterMs)} ${thing.slots}`);
  }
  return `${text.join("\n")}\n`;
}

export interface PlayedPlan {
  /** One for each thing. */
  readonly all: readonly {
    /** CLOCK_MONOTONIC; 0 for a presentation without any pulse. */
    readonly atNs: number;
    /** The worst that one of its pulses began or ended after its time. */
    readonly lateNs: number;
  }[];
}

export function parseStamps(text: string): PlayedPlan {
  const lines = text.trimEnd().split("\n");
  if (lines.pop() !== "played") throw new Error("the plan was not played to its end");
  const all = lines.map((line) => {
    const [atNs = Number.NaN, lateNs = Number.NaN] = line.split(" ").map(Number);
    return { atNs, lateNs };
  });
  return { all };
}

/** What became of presentations that a plan had in their order. */
export function presentedOf(
  presentations: readonly Presentation[],
  { all }: PlayedPlan,
): readonly Presented[] {
  return presentations.map(({ reader }, index) => {
    const { atNs = 0, lateNs = 0 } = all[index] ?? {};
    return { reader, lastPulseAt: edgeNs(atNs), lateUs: lateNs / 1e3 };
  });
}

export function worstLateUs({ all }: PlayedPlan): number {
  return all.reduce((worst, { lateNs }) => Math.max(worst, lateNs), 0) / 1e3;
}
