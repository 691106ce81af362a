import {
  type ClockQuality,
  type EpochMs,
  epochMs,
  type MonotonicMs,
  monotonicMs,
  type WallTime,
} from "../../src/domain/time.ts";
import type { Alarm, Clock } from "../clock.ts";

interface Armed {
  readonly at: MonotonicMs;
  readonly due: () => void;
}

/** Alarms that one `advance` may fire: an alarm that re-arms itself for now would never end. */
const alarmsMax = 1_000_000;

/** A clock that stands still until a test moves it. Wall time moves along, unless set. */
export class SimClock implements Clock {
  #now: MonotonicMs;
  #wallOffset: number;
  #quality: ClockQuality;
  #armed: Armed[] = [];

  constructor(
    options: {
      readonly monotonicAt?: number;
      readonly wallAt?: number;
      readonly quality?: ClockQuality;
    } = {},
  ) {
    this.#now = monotonicMs(options.monotonicAt ?? 1_000_000);
    this.#wallOffset = (options.wallAt ?? Date.UTC(2026, 0, 5, 12)) - this.#now;
    this.#quality = options.quality ?? "trusted";
  }

  /** Alarms that are armed: a device at rest has none. */
  get alarmCount(): number {
    return this.#armed.length;
  }

  monotonic(): MonotonicMs {
    return this.#now;
  }

  wall(): WallTime {
    return { at: epochMs(this.#now + this.#wallOffset), quality: this.#quality };
  }

  setWall(wall: { readonly at?: EpochMs; readonly quality?: ClockQuality }): void {
    if (wall.at !== undefined) this.#wallOffset = wall.at - this.#now;
    if (wall.quality !== undefined) this.#quality = wall.quality;
  }

  alarm(at: MonotonicMs, due: () => void): Alarm {
    const armed = { at, due };
    // Behind those of the same instant, so that they fire in the order in which they were armed.
    const place = this.#armed.findIndex((other) => other.at > at);
    this.#armed.splice(place === -1 ? this.#armed.length : place, 0, armed);
    return {
      cancel: () => {
        this.#armed = this.#armed.filter((other) => other !== armed);
      },
    };
  }

  /** Fires what comes due, in order, with the clock at each one's instant. */
  advance(ms: number): void {
    const end = monotonicMs(this.#now + ms);
    for (let count = 0; this.#fireNext(end); count += 1) {
      if (count === alarmsMax) throw new Error(`more than ${alarmsMax} alarms in ${ms} ms`);
    }
    this.#now = end;
  }

  /**
   * As `advance`, but lets the event loop turn after what is due at one instant, for devices that look
   * at their lines once more before they believe a timer.
   */
  async elapse(ms: number): Promise<void> {
    const end = monotonicMs(this.#now + ms);
    await turn();
    for (let count = 0; this.#fireNext(end); count += 1) {
      if (count === alarmsMax) throw new Error(`more than ${alarmsMax} alarms in ${ms} ms`);
      const next = this.#armed[0];
      // All that is overdue fires before the loop polls, as timers do after a stall.
      if (next === undefined || next.at > this.#now) await turn();
    }
    this.#now = end;
  }

  /** The process is held up: time passes, and what came due meanwhile fires late, all at `end`. */
  stall(ms: number): void {
    this.#now = monotonicMs(this.#now + ms);
  }

  #fireNext(end: MonotonicMs): boolean {
    const next = this.#armed[0];
    if (next === undefined || next.at > end) return false;
    this.#armed.shift();
    if (next.at > this.#now) this.#now = next.at;
    next.due();
    return true;
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
