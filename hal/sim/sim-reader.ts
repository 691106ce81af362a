import type { ReaderId } from "../../src/domain/ids.ts";
import { type EdgeNs, edgeNs, monotonicMs } from "../../src/domain/time.ts";
import { unreachable } from "../../src/domain/unreachable.ts";
import { encodeKey } from "../../src/protocols/keypad/key-burst.ts";
import { encodePinFrame } from "../../src/protocols/keypad/pin-frame.ts";
import type { ReaderWiring } from "../board-profile.ts";
import type { Clock } from "../clock.ts";
import type { Key } from "../reader.ts";
import type { PlannedPull, SimGpio } from "./sim-gpio.ts";

/** What a common reader sends: 50 us pulses, one each millisecond. */
const pulseNs = 50_000;
const intervalNs = 1_000_000;

/** From the card in the field to the first pulse. Also more than one interval of rest before it. */
const leadNs = 2_000_000;

/**
 * Rest after a card: more than the 100 ms that a controller asks for after a misread, so that a good
 * card behind a bad one is read. Nobody taps faster.
 */
const cardRestMs = 110;

/** Rest after a key: more than the longest silence that a decoder waits for. Quick fingers do this. */
const keyRestMs = 60;

/**
 * After the last edge, before whoever presented it is told: the 3 ms of silence that end a frame of
 * this pace, and late timers on a busy machine. Who then looks at the door sees what became of it.
 */
const settleMs = 20;

/** Presentations that wait for one reader, beyond which it is too busy for another. */
export const waitingFramesMax = 256;

/** The last edge of what was sent; undefined if a keypad kept it all to itself. */
export type Sent = { readonly lastEdgeAt: EdgeNs | undefined };

interface Frame {
  readonly bits: string;
  readonly restMs: number;
  readonly sent: (sent: Sent) => void;
  readonly gone: (cause: Error) => void;
}

/** A reader that cannot take more, or is no more: the caller may try again later. */
export class ReaderBusy extends Error {
  override readonly name = "ReaderBusy";
}

/** The outside of one Wiegand reader: cards and fingers go in, pulses on D0 and D1 come out. */
export class SimReader {
  readonly id: ReaderId;
  readonly keypad: ReaderWiring["keypad"];
  readonly #gpio: SimGpio;
  readonly #clock: Clock;
  readonly #lines: readonly [d0: string, d1: string];
  readonly #waiting: Frame[] = [];
  #current: Frame | undefined;
  /** What a keypad that sends whole PINs has been given since the last `#` or `*`. */
  #typed = "";
  #closed = false;

  constructor(options: {
    readonly gpio: SimGpio;
    readonly clock: Clock;
    readonly wiring: ReaderWiring;
  }) {
    const { gpio, clock, wiring } = options;
    this.id = wiring.id;
    this.keypad = wiring.keypad;
    this.#gpio = gpio;
    this.#clock = clock;
    const { d0, d1 } = wiring;
    // Only a matrix: no world of ours presses its keys yet.
    if (d0 === undefined || d1 === undefined) throw new Error(`reader ${this.id} has no d0 and d1`);
    this.#lines = [d0, d1];
    for (const line of this.#lines) gpio.pull(line, 1);
  }

  /** `bits` is `0` and `1`, first on the wire first. Throws `ReaderBusy`. */
  present(bits: string): Promise<Sent> {
    return this.#send([bits], cardRestMs);
  }

  /** Throws `ReaderBusy`; throws for a reader without keypad, which the caller should have asked. */
  type(keys: readonly Key[]): Promise<Sent> {
    const { keypad } = this;
    switch (keypad) {
      case "none":
        throw new Error(`reader ${this.id} has no keypad`);
      case "burst_4":
      case "burst_8":
        return this.#send(
          keys.map((key) => encodeKey(keypad, key)),
          keyRestMs,
        );
      case "pin_26":
        return this.#send(this.#wholePins(keys), keyRestMs);
      default:
        return unreachable(keypad);
    }
  }

  close(): void {
    this.#closed = true;
    const gone = new ReaderBusy(`reader ${this.id} was closed`);
    this.#current?.gone(gone);
    for (const frame of this.#waiting.splice(0)) frame.gone(gone);
    for (const line of this.#lines) this.#gpio.cancelPlanned(line);
  }

  #wholePins(keys: readonly Key[]): readonly string[] {
    const frames: string[] = [];
    for (const key of keys) {
      if (key === "#" && this.#typed !== "") frames.push(encodePinFrame(this.#typed));
      // Six digits are too many already; more would only be remembered.
      if (key === "#" || key === "*") this.#typed = "";
      else this.#typed = (this.#typed + key).slice(0, 6);
    }
    return frames;
  }

  async #send(frames: readonly string[], restMs: number): Promise<Sent> {
    if (this.#closed || this.#waiting.length + frames.length > waitingFramesMax) {
      throw new ReaderBusy(`reader ${this.id} has ${this.#waiting.length} frames waiting`);
    }
    const all = frames.map(
      (bits) => new Promise<Sent>((sent, gone) => this.#waiting.push({ bits, restMs, sent, gone })),
    );
    this.#next();
    return (await Promise.all(all)).at(-1) ?? { lastEdgeAt: undefined };
  }

  /** One frame at a time: two that ran together would be one card that nobody has. */
  #next(): void {
    if (this.#current !== undefined) return;
    const frame = this.#waiting.shift();
    if (frame === undefined) return;
    this.#current = frame;
    const pulls = this.#pullsOf(frame.bits, this.#gpio.nowNs() + leadNs);
    const after = (ms: number, due: () => void) =>
      this.#clock.alarm(monotonicMs(lastEdgeAt / 1e6 + ms), () => {
        if (!this.#closed) due();
      });
    const lastEdgeAt = this.#gpio.plan(pulls, () => {
      after(settleMs, () => frame.sent({ lastEdgeAt }));
      after(frame.restMs, () => {
        this.#current = undefined;
        this.#next();
      });
    });
  }

  #pullsOf(bits: string, from: number): readonly PlannedPull[] {
    const pulls: PlannedPull[] = [];
    for (const [index, bit] of [...bits].entries()) {
      const [d0, d1] = this.#lines;
      const [line, other] = bit === "0" ? [d0, d1] : [d1, d0];
      const fallAt = from + index * intervalNs;
      pulls.push(...pulse(line, fallAt, pulseNs));
      if (this.#gpio.faults.occurs("bothLow", line))
        pulls.push(...pulse(other, fallAt + 5_000, pulseNs));
      if (this.#gpio.faults.occurs("glitch", line)) {
        const random = this.#gpio.faults.stream("glitch", line);
        const glitchAt = fallAt + random.between(200_000, 800_000);
        pulls.push(...pulse(line, glitchAt, random.between(1_000, 3_000)));
      }
    }
    return pulls;
  }
}

function pulse(line: string, fallAt: number, widthNs: number): readonly PlannedPull[] {
  return [
    { line, pull: 0, at: edgeNs(fallAt) },
    { line, pull: 1, at: edgeNs(fallAt + widthNs) },
  ];
}
