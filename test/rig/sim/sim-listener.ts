import type { Clock } from "../../../hal/clock.ts";
import type { Gpio } from "../../../hal/gpio.ts";
import { openWiegandReader } from "../../../hal/lines/wiegand-reader.ts";
import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import { type PlannedPull, SimGpio } from "../../../hal/sim/sim-gpio.ts";
import { type EdgeNs, edgeNs, monotonicMs } from "../../../src/domain/time.ts";
import { linesOf, readRigProfile } from "../board-wires.ts";
import { usageOf } from "../kernel/guest-processes.ts";
import type {
  Heard,
  Presentation,
  PresentationPlan,
  Presented,
  RigListener,
} from "../rig-target.ts";

/** From the plan to the first pulse, so that nothing of it is in the past already. */
const leadNs = 2_000_000;
const quietMs = 200;

/** A listener, and its own simulated lines with whoever presents cards at them. */
export interface SimListener extends RigListener {
  present(plan: PresentationPlan): Promise<readonly Presented[]>;
}

/** In this process, as the simulated kernel is: what blocks one blocks the other. */
export function openSimListener(profileName: string): SimListener {
  const clock = createSystemClock({ quality: () => "trusted" });
  const { profile, formats } = readRigProfile(profileName);
  const gpio = new SimGpio({ clock, lines: linesOf(profile) });
  const heard: Heard[] = [];
  const readers = profile.readers.map((wiring) => {
    const { id, d0 = "", d1 = "" } = wiring;
    for (const line of [d0, d1]) gpio.pull(line, 1);
    const queue: number[] = [];
    const reader = openWiegandReader({ ...queued({ gpio, clock, queue }), wiring, formats });
    reader.listen((report) => heard.push({ ...report, reader: id }));
    return { id, lines: [d0, d1] as const, reader, queue };
  });
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      clock.alarm(monotonicMs(clock.monotonic() + ms), () => resolve());
    });

  /** Resolves with the beginning of its last pulse, when its rest is over. */
  const presentOne = async (
    { reader: id, slots }: Presentation,
    { pulseUs = 50, intervalUs = 1_000, restMs = 110 }: PresentationPlan,
  ): Promise<Presented> => {
    const reader = readers.find((one) => one.id === id);
    if (reader === undefined) throw new Error(`the board has no reader ${id}`);
    const from = gpio.nowNs() + leadNs;
    const pulls = [...slots].flatMap((slot, index) =>
      pulsesOf(slot, reader.lines, { at: from + index * intervalUs * 1_000, pulseUs }),
    );
    const lastEdgeAt = await new Promise<EdgeNs>((resolve) => {
      const at = gpio.plan(pulls, () => resolve(at));
      const laterBy = at - Math.max(...pulls.map((pull) => pull.at));
      reader.queue.push(...pulls.map((pull) => pull.at + laterBy));
    });
    await pause(restMs);
    return { reader: id, lastPulseAt: edgeNs(lastEdgeAt - pulseUs * 1_000), lateUs: 0 };
  };

  return {
    present: async (plan) => {
      const done = new Map<Presentation, Presented>();
      await Promise.all(
        readers.map(async ({ id }) => {
          for (const one of plan.presentations.filter(({ reader }) => reader === id)) {
            done.set(one, await presentOne(one, plan));
          }
        }),
      );
      return plan.presentations.flatMap((one) => done.get(one) ?? []);
    },
    heard: async () => {
      for (let before = -1; before !== heard.length; ) {
        before = heard.length;
        await pause(quietMs);
      }
      return [...heard];
    },
    health: async () =>
      Object.fromEntries(readers.map(({ id, reader }) => [id, reader.health()] as const)),
    usage: async () => {
      const usage = usageOf(process.pid);
      if (usage === null) throw new Error("this process has no usage");
      const { atNs, ...others } = usage;
      return { ...others, at: edgeNs(atNs) };
    },
    close: async () => {
      for (const { reader } of readers) reader.close();
    },
  };
}

/**
 * A kernel has an edge in its queue before anybody can look at the clock. The simulated one gets round to
 * it by a timer, which on a busy machine is later than the reader's own: its time stands still meanwhile.
 */
function queued(options: {
  readonly gpio: Gpio;
  readonly clock: Clock;
  /** Instants of edges that have not been handed over, in order. */
  readonly queue: number[];
}): { readonly gpio: Gpio; readonly clock: Clock } {
  const { gpio, clock, queue } = options;
  return {
    clock: {
      wall: () => clock.wall(),
      alarm: (at, due) => clock.alarm(at, due),
      monotonic: () => {
        const next = queue[0] ?? Number.POSITIVE_INFINITY;
        return monotonicMs(Math.min(clock.monotonic(), next / 1e6));
      },
    },
    gpio: {
      openOutput: (request) => gpio.openOutput(request),
      openInputs: (request) => {
        const lines = gpio.openInputs(request);
        return {
          lines: lines.lines,
          read: (line) => lines.read(line),
          close: () => lines.close(),
          listen: (listener) =>
            lines.listen((edge) => {
              queue.shift();
              listener(edge);
            }),
        };
      },
    },
  };
}

function pulsesOf(
  slot: string,
  [d0, d1]: readonly [string, string],
  { at, pulseUs }: { readonly at: number; readonly pulseUs: number },
): readonly PlannedPull[] {
  const lines = slot === "b" ? [d0, d1] : slot === "0" ? [d0] : slot === "1" ? [d1] : [];
  return lines.flatMap((line) => [
    { line, pull: 0, at: edgeNs(at) } as const,
    { line, pull: 1, at: edgeNs(at + pulseUs * 1_000) } as const,
  ]);
}
