import type { Edge, Level } from "../../../../../hal/gpio.ts";
import { EdgeOrder, type QueuedEdge } from "../../../../../hal/linux/gpio/edge-order.ts";
import type { Seeded } from "../../../../../hal/sim/seeded.ts";
import { type EdgeNs, edgeNs } from "../../../../../src/domain/time.ts";
import type { WiegandEdge } from "../../../../../src/protocols/wiegand/frame-decoder.ts";

/** When the kernel's queue has it, which is later than its stamp. */
interface Queued {
  readonly putAt: number;
  readonly edge: QueuedEdge;
}

interface Moment {
  readonly at: number;
  readonly run: (at: number) => void;
}

/**
 * gpiolib-cdev.c (Linux 6.12) for two lines: `edge_irq_handler` stamps and numbers, wakes the line's
 * thread `lateNs()` later, and `edge_irq_thread` takes the stamp, reads the level, takes the number and
 * queues. A wake-up of a thread that is awake is none; a thread that finds no stamp makes one, and a number.
 */
export function queueOf(
  edges: readonly WiegandEdge[],
  options: { readonly lateNs: () => number; readonly random: Seeded },
): readonly Queued[] {
  const { lateNs, random } = options;
  const queued: Queued[] = [];
  const moments: Moment[] = [];
  const later = (at: number, run: Moment["run"]) => {
    const place = moments.findLastIndex((moment) => moment.at <= at);
    moments.splice(place + 1, 0, { at, run });
  };
  let number = 0;
  const stepNs = () => random.between(100, 5_000);
  const line = (index: number) => {
    let level: Level = 1;
    let [stamp, numbered] = [0, 0];
    let [isWoken, isRunning] = [false, false];
    const start = (at: number) => {
      [isWoken, isRunning] = [false, true];
      later(at + stepNs(), take);
    };
    const take = (at: number) => {
      if (stamp === 0) {
        number += 1;
        [stamp, numbered] = [at, number];
      }
      const taken = edgeNs(stamp);
      stamp = 0;
      later(at + stepNs(), (readAt) => {
        const levelRead = level;
        later(readAt + stepNs(), (putAt) => {
          const edge = { line: index, level: levelRead, at: taken, sequence: numbered };
          queued.push({ putAt, edge });
          isRunning = false;
          if (isWoken) start(putAt);
        });
      });
    };
    return (at: number, to: Level) => {
      level = to;
      number += 1;
      [stamp, numbered] = [at, number];
      if (isWoken) return;
      isWoken = true;
      if (!isRunning) later(at + lateNs(), start);
    };
  };
  const interrupts = [line(0), line(1)];
  const runUntil = (until: number) => {
    while (moments[0] !== undefined && moments[0].at < until) {
      const next = moments.shift();
      next?.run(next.at);
    }
  };
  for (const { line, level, at } of edges) {
    runUntil(at);
    interrupts[line]?.(at, level);
  }
  runUntil(Number.POSITIVE_INFINITY);
  return queued;
}

/** What a process reports that reads the queue `wakeNs()` after there is something in it. */
export function reportedOf(
  queued: readonly Queued[],
  options: {
    readonly wakeNs: () => number;
    readonly since?: EdgeNs;
    readonly lastSequence?: number;
  },
): readonly Edge[] {
  const { wakeNs, since = edgeNs(0), lastSequence = 0 } = options;
  const order = new EdgeOrder({ levels: [1, 1], since, lastSequence });
  const reported: Edge[] = [];
  let read = 0;
  let now = 0;
  while (read < queued.length || order.isWaiting) {
    const putAt = queued[read]?.putAt ?? Number.POSITIVE_INFINITY;
    // While an edge waits, the loop turns and turns.
    now = order.isWaiting ? now + 20_000 : Math.max(now, putAt) + wakeNs();
    for (let next = queued[read]; next !== undefined && next.putAt <= now; next = queued[read]) {
      order.add(next.edge);
      read += 1;
    }
    order.release(edgeNs(now), (edge) => reported.push(edge));
  }
  return reported;
}
