import { HalError } from "../../src/domain/hal-error.ts";
import { type EdgeNs, edgeNs, type MonotonicMs, monotonicMs } from "../../src/domain/time.ts";
import type { WireFault } from "../../src/domain/wire-fault.ts";
import type { ContactWiring } from "../board-profile.ts";
import type { Alarm, Clock } from "../clock.ts";
import type { Edge, Gpio, InputLines, Level } from "../gpio.ts";

/** `rest`: as the wiring's name has it, leaf shut or button not pressed. */
export type ContactState = "rest" | "active";

/** A fault of a supervised wire hides the contact behind it. */
export type ContactReading = ContactState | WireFault;

/**
 * What a contact that never rests is told as: `changes` between its states, some each second, or just
 * `active`, for an input whose alarm must not come and go with a loose wire.
 */
export type RestlessAs = "changes" | "active";

/** From the first edge after a rest on. */
interface Unsettled {
  readonly firstEdgeAt: EdgeNs;
  readonly reading: ContactReading;
  readonly lastEdgeAt: EdgeNs;
  readonly edgeCount: number;
  /** A fault that showed meanwhile. */
  readonly fault: WireFault | undefined;
  /** When a change was last told, though nothing had settled. */
  readonly toldAt?: EdgeNs;
  /** When the lines were found at other levels than their last edges say. */
  readonly doubtedAt?: EdgeNs;
}

/** An edge that has not been handed over by then was lost. */
const lateEdgeNsMax = 200_000_000;

/**
 * This many edges over this time without a rest are no bounce, nor the spark of somebody's sleeve, but
 * a loose wire or a failing switch.
 */
const restlessEdgeCount = 20;
const restlessNs = 1_000_000_000;

/** Between two changes that are told of a contact that never rests: at most five a second. */
const restlessToldNs = 200_000_000;

/**
 * A dry contact that bounces, with the comparators of its wire if it has them. A change is believed when
 * it has held for `debounceMs` and is told with the time of its first edge. The kernel's stamps decide,
 * not the time at which we hear: edges that are read late give the same changes at the same times, and
 * no timer can invent one.
 *
 * A contact that never rests is told as it is at an edge, up to five changes a second, once it has gone
 * on for a second: that is the chatter for which the core stops believing a contact (8 changes in 10 s)
 * or a REX (20 in 10 s). It has no timer for that. A wire that flickers between sound and at fault is told
 * as at fault until it rests. Rest after that is told with the time of its own last edge.
 *
 * Lines whose chip does not answer, from the start or from some time on, read as a cut wire until it
 * answers and has told each level as an edge: a chip that is pulled out must not keep vouching for a shut
 * door, and what the other lines do must not wait for it.
 *
 * It does *not* notice a contact that touches now and then for less than `debounceMs`: it keeps its state.
 */
export class DebouncedContact {
  readonly #lines: InputLines;
  readonly #clock: Clock;
  readonly #wiring: ContactWiring;
  readonly #restlessAs: RestlessAs;
  /**
   * After the last edge of each line: the contact's, then of its comparators. Undefined while its chip does
   * not answer.
   */
  #levels: readonly (Level | undefined)[];
  #listener: ((reading: ContactReading, at: MonotonicMs) => void) | undefined;
  #believed: ContactReading;
  #unsettled: Unsettled | undefined;
  #alarm: Alarm | undefined;
  #afterPoll: NodeJS.Immediate | undefined;
  #closed = false;

  /** Throws `HalError` as `Gpio.openInputs` does. */
  constructor(options: {
    readonly gpio: Gpio;
    readonly clock: Clock;
    readonly wiring: ContactWiring;
    readonly restlessAs: RestlessAs;
  }) {
    const { line, supervision } = options.wiring;
    this.#clock = options.clock;
    this.#wiring = options.wiring;
    this.#restlessAs = options.restlessAs;
    // One request, so that edges of the wire and of the contact come in the order they happened.
    const lines = supervision ? [line, supervision.cutLine, supervision.shortedLine] : [line];
    this.#lines = options.gpio.openInputs({ lines, bias: "pull_up" });
    this.#lines.listen((edge) => this.#edge(edge));
    this.#lines.watchLoss?.((at) => this.#lost(at));
    this.#levels = this.#readLevels() ?? lines.map(() => undefined);
    this.#believed = this.#readingOf(this.#levels);
  }

  /** What is believed now; agrees with what the listener was told. */
  read(): ContactReading {
    return this.#believed;
  }

  listen(listener: (reading: ContactReading, at: MonotonicMs) => void): void {
    if (this.#listener !== undefined) throw new Error("this contact has its one listener already");
    this.#listener = listener;
  }

  close(): void {
    this.#closed = true;
    this.#alarm?.cancel();
    clearImmediate(this.#afterPoll);
    this.#lines.close();
  }

  /** Undefined where the chip behind the lines does not answer. */
  #readLevels(): readonly Level[] | undefined {
    const lines = this.#lines;
    try {
      return lines.readAll?.() ?? lines.lines.map((_, index) => lines.read(index));
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      return undefined;
    }
  }

  #readingOf(levels: readonly (Level | undefined)[]): ContactReading {
    if (levels.includes(undefined)) return "cut";
    const [level, cut, shorted] = levels;
    const { contact, supervision } = this.#wiring;
    if (supervision !== undefined) {
      if (cut === supervision.activeLevel) return "cut";
      if (shorted === supervision.activeLevel) return "shorted";
    }
    // Closed reads low.
    return (level === 0) === (contact === "normally_closed") ? "rest" : "active";
  }

  #settlesAt(unsettled: Unsettled): EdgeNs {
    return edgeNs(unsettled.lastEdgeAt + this.#wiring.debounceMs * 1e6);
  }

  #askAt(unsettled: Unsettled): MonotonicMs {
    const { doubtedAt } = unsettled;
    const at = doubtedAt === undefined ? this.#settlesAt(unsettled) : doubtedAt + lateEdgeNsMax;
    return monotonicMs(at / 1e6);
  }

  #edge({ line, level, at }: Edge): void {
    // Two edges to one level: the one between them was lost, and the level did not hold.
    const isRepeat = this.#levels[line] === level;
    this.#moved({ levels: this.#levels.with(line, level), isRepeat }, at);
  }

  /** In order with the edges, so that a level of before its chip went is told if it held. */
  #lost(at: EdgeNs): void {
    this.#moved({ levels: this.#levels.map(() => undefined), isRepeat: false }, at);
  }

  #moved(
    to: { readonly levels: readonly (Level | undefined)[]; readonly isRepeat: boolean },
    at: EdgeNs,
  ): void {
    if (this.#closed) return;
    if (this.#unsettled !== undefined && at >= this.#settlesAt(this.#unsettled)) this.#settle();
    const { levels, isRepeat } = to;
    this.#levels = levels;
    const reading = this.#readingOf(levels);
    const unsettled = this.#unsettled;
    if (unsettled === undefined) {
      if (reading === this.#believed) return;
      const fault = faultIn(reading);
      this.#unsettled = { firstEdgeAt: at, reading, lastEdgeAt: at, edgeCount: 1, fault };
    } else if (isRepeat || reading !== unsettled.reading) {
      // An edge that a fault of the wire hides must not keep that fault from being believed.
      this.#unsettled = next(unsettled, reading, at);
      this.#tellRestless(this.#unsettled);
    }
    this.#arm();
  }

  #tellRestless(unsettled: Unsettled): void {
    const { reading, fault, lastEdgeAt, toldAt } = unsettled;
    if (!isRestless(unsettled)) return;
    if (toldAt !== undefined && lastEdgeAt - toldAt < restlessToldNs) return;
    const told = fault ?? (this.#restlessAs === "active" ? "active" : reading);
    if (told === this.#believed) return;
    this.#unsettled = { ...unsettled, toldAt: lastEdgeAt };
    this.#believe(told, lastEdgeAt);
  }

  /** One alarm; it stays when edges move the time, and asks again when it fires. */
  #arm(): void {
    if (this.#alarm !== undefined || this.#unsettled === undefined) return;
    this.#alarm = this.#clock.alarm(this.#askAt(this.#unsettled), () => {
      this.#alarm = undefined;
      clearImmediate(this.#afterPoll);
      // After a stall the timer fires before the edges that waited are read; those decide.
      this.#afterPoll = setImmediate(() => this.#polled());
    });
  }

  #polled(): void {
    const unsettled = this.#unsettled;
    if (this.#closed || unsettled === undefined) return;
    const now = this.#clock.monotonic();
    // In the clock's own unit: a nanosecond lost in converting it would ask again, and again, at once.
    if (now >= this.#askAt(unsettled)) this.#ask(unsettled, edgeNs(Math.round(now * 1e6)));
    this.#arm();
  }

  /**
   * Levels that are not those of the last edges say that an edge waits still, or was lost. One that
   * waits knows better than we how long the level held, so it is waited for. Where nobody can look, what
   * was told last is the last that is known.
   */
  #ask(unsettled: Unsettled, now: EdgeNs): void {
    const levels = this.#readLevels() ?? this.#levels;
    const reading = this.#readingOf(levels);
    const { doubtedAt, ...undoubted } = unsettled;
    if (doubtedAt !== undefined) {
      this.#levels = levels;
      this.#unsettled = next(undoubted, reading, now);
    } else if (reading !== unsettled.reading) this.#unsettled = { ...unsettled, doubtedAt: now };
    else this.#settle();
  }

  #settle(): void {
    const unsettled = this.#unsettled;
    this.#unsettled = undefined;
    if (unsettled === undefined || unsettled.reading === this.#believed) return;
    const { firstEdgeAt, lastEdgeAt } = unsettled;
    this.#believe(unsettled.reading, isRestless(unsettled) ? lastEdgeAt : firstEdgeAt);
  }

  #believe(reading: ContactReading, at: EdgeNs): void {
    this.#believed = reading;
    this.#listener?.(reading, monotonicMs(at / 1e6));
  }
}

function next(unsettled: Unsettled, reading: ContactReading, at: EdgeNs): Unsettled {
  const { doubtedAt: _, ...known } = unsettled;
  return {
    ...known,
    reading,
    lastEdgeAt: at,
    edgeCount: unsettled.edgeCount + 1,
    fault: unsettled.fault ?? faultIn(reading),
  };
}

function isRestless({ firstEdgeAt, lastEdgeAt, edgeCount }: Unsettled): boolean {
  return edgeCount >= restlessEdgeCount && lastEdgeAt - firstEdgeAt >= restlessNs;
}

function faultIn(reading: ContactReading): WireFault | undefined {
  return reading === "cut" || reading === "shorted" ? reading : undefined;
}
