import { type EdgeNs, edgeNs, type MonotonicMs, monotonicMs } from "../../src/domain/time.ts";
import type { ContactWiring } from "../board-profile.ts";
import type { Alarm, Clock } from "../clock.ts";
import type { Edge, Gpio, InputLines, Level } from "../gpio.ts";

/** `rest`: as the wiring's name has it, leaf shut or button not pressed. */
export type ContactState = "rest" | "active";

/** A level that differs from the one believed, from its first edge on. */
interface Unsettled {
  readonly firstEdgeAt: EdgeNs;
  readonly level: Level;
  readonly lastEdgeAt: EdgeNs;
  /** When the line was found at another level than its last edge says. */
  readonly doubtedAt?: EdgeNs;
}

/** An edge that has not been handed over by then was lost. */
const lateEdgeNsMax = 200_000_000;

/**
 * A dry contact that bounces. A change is believed when the level has held for `debounceMs` and is told
 * with the time of its first edge. The kernel's stamps decide, not the time at which we hear: edges
 * that are read late give the same changes at the same times, and no timer can invent one.
 *
 * It does *not* notice a contact that never rests: that one keeps its last state.
 */
export class DebouncedContact {
  readonly #lines: InputLines;
  readonly #clock: Clock;
  readonly #wiring: ContactWiring;
  #listener: ((state: ContactState, at: MonotonicMs) => void) | undefined;
  #settled: Level;
  #unsettled: Unsettled | undefined;
  #alarm: Alarm | undefined;
  #afterPoll: NodeJS.Immediate | undefined;
  #closed = false;

  /** Throws `HalError` as `Gpio.openInputs` does. */
  constructor(options: {
    readonly gpio: Gpio;
    readonly clock: Clock;
    readonly wiring: ContactWiring;
  }) {
    this.#clock = options.clock;
    this.#wiring = options.wiring;
    this.#lines = options.gpio.openInputs({ lines: [options.wiring.line], bias: "pull_up" });
    this.#lines.listen((edge) => this.#edge(edge));
    this.#settled = this.#lines.read(0);
  }

  /** What is believed now; agrees with what the listener was told. */
  read(): ContactState {
    return this.#stateOf(this.#settled);
  }

  listen(listener: (state: ContactState, at: MonotonicMs) => void): void {
    if (this.#listener !== undefined) throw new Error("this contact has its one listener already");
    this.#listener = listener;
  }

  close(): void {
    this.#closed = true;
    this.#alarm?.cancel();
    clearImmediate(this.#afterPoll);
    this.#lines.close();
  }

  /** Closed reads low. */
  #stateOf(level: Level): ContactState {
    const restLevel = this.#wiring.contact === "normally_closed" ? 0 : 1;
    return level === restLevel ? "rest" : "active";
  }

  #settlesAt(unsettled: Unsettled): EdgeNs {
    return edgeNs(unsettled.lastEdgeAt + this.#wiring.debounceMs * 1e6);
  }

  #askAt(unsettled: Unsettled): EdgeNs {
    const { doubtedAt } = unsettled;
    return doubtedAt === undefined ? this.#settlesAt(unsettled) : edgeNs(doubtedAt + lateEdgeNsMax);
  }

  #edge(edge: Edge): void {
    const { level, at } = edge;
    if (this.#closed) return;
    if (this.#unsettled !== undefined && at >= this.#settlesAt(this.#unsettled)) this.#settle();
    if (this.#unsettled !== undefined) {
      const { firstEdgeAt } = this.#unsettled;
      this.#unsettled = { firstEdgeAt, level, lastEdgeAt: at };
    } else if (level !== this.#settled) {
      this.#unsettled = { firstEdgeAt: at, level, lastEdgeAt: at };
    }
    this.#arm();
  }

  /** One alarm; it stays when edges move the time, and asks again when it fires. */
  #arm(): void {
    if (this.#alarm !== undefined || this.#unsettled === undefined) return;
    const at = monotonicMs(this.#askAt(this.#unsettled) / 1e6);
    this.#alarm = this.#clock.alarm(at, () => {
      this.#alarm = undefined;
      clearImmediate(this.#afterPoll);
      // After a stall the timer fires before the edges that waited are read; those decide.
      this.#afterPoll = setImmediate(() => this.#polled());
    });
  }

  #polled(): void {
    const unsettled = this.#unsettled;
    if (this.#closed || unsettled === undefined) return;
    const now = edgeNs(this.#clock.monotonic() * 1e6);
    if (now >= this.#askAt(unsettled)) this.#ask(unsettled, now);
    this.#arm();
  }

  /**
   * A level that is not that of the last edge says that an edge waits still, or was lost. One that
   * waits knows better than we how long the level held, so it is waited for.
   */
  #ask(unsettled: Unsettled, now: EdgeNs): void {
    const level = this.#lines.read(0);
    const { firstEdgeAt, doubtedAt } = unsettled;
    if (doubtedAt !== undefined) this.#unsettled = { firstEdgeAt, level, lastEdgeAt: now };
    else if (level !== unsettled.level) this.#unsettled = { ...unsettled, doubtedAt: now };
    else this.#settle();
  }

  #settle(): void {
    const unsettled = this.#unsettled;
    this.#unsettled = undefined;
    if (unsettled === undefined || unsettled.level === this.#settled) return;
    this.#settled = unsettled.level;
    this.#listener?.(this.#stateOf(unsettled.level), monotonicMs(unsettled.firstEdgeAt / 1e6));
  }
}
