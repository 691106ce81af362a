import type { Level } from "../../hal/gpio.ts";

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
  /** CLOCK_MONOTONIC in ns, one for each thing; 0 for a presentation without any pulse. */
  readonly atNs: readonly number[];
  /** The worst that a pulse was late by. */
  readonly lateNs: number;
}

export function parseStamps(text: string): PlayedPlan {
  const lines = text.trimEnd().split("\n");
  const late = /^late ([0-9]+)$/.exec(lines.pop() ?? "")?.[1];
  if (late === undefined) throw new Error("the plan was not played to its end");
  return { atNs: lines.map(Number), lateNs: Number(late) };
}
