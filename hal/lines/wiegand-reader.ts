import { rawFromBits } from "../../src/domain/credential.ts";
import { HalError } from "../../src/domain/hal-error.ts";
import { type EdgeNs, edgeNs, type MonotonicMs, monotonicMs } from "../../src/domain/time.ts";
import { unreachable } from "../../src/domain/unreachable.ts";
import { decodeKey } from "../../src/protocols/keypad/key-burst.ts";
import { type KeypadShape, keypadShape } from "../../src/protocols/keypad/keypad-shape.ts";
import { decodePinFrame, pinFrameBits } from "../../src/protocols/keypad/pin-frame.ts";
import { type CardShape, cardShape } from "../../src/protocols/wiegand/card-shape.ts";
import type { WiegandFormat } from "../../src/protocols/wiegand/format.ts";
import { type Frame, FrameDecoder } from "../../src/protocols/wiegand/frame-decoder.ts";
import { PulseTrace, type Trace } from "../../src/protocols/wiegand/pulse-trace.ts";
import type { ReaderWiring } from "../board-profile.ts";
import type { Alarm, Clock } from "../clock.ts";
import type { Edge, Gpio, InputLines } from "../gpio.ts";
import type { Reader, ReaderHealth, ReaderObservation, ReaderReport } from "../reader.ts";

type ReaderShape = CardShape | KeypadShape;

/** How much longer than usual a frame without early decision may wait because edges came late. */
const lateEdgesNsMax = 200_000_000;

/** Below this an edge is not late: it is what a wake-up of the process takes. */
const promptEdgeNsMax = 500_000;

/**
 * A Wiegand reader, with or without keypad, on two lines that idle high. Reading begins with
 * `listen`. It does *not* promise to understand a card of a format that it was not given: such a
 * card is a misread, as is a frame that began before `listen`.
 *
 * A card of the longest configured format is reported at its last bit; anything else after a
 * silence of 3 to 50 ms, depending on the reader's own pace. One alarm at most is armed.
 *
 * Throws `HalError` as `Gpio.openInputs` does; `not_supported` for a format that `formats` does not
 * have, for none at all, for a wiring without both lines, and for a 26-bit card beside a keypad that
 * sends its PIN as 26 bits: nobody could tell a PIN from a card. Nothing is open then.
 */
export function openWiegandReader(options: {
  readonly gpio: Gpio;
  readonly clock: Clock;
  readonly wiring: ReaderWiring;
  readonly formats: readonly WiegandFormat[];
}): Reader {
  const { gpio, clock, wiring, formats } = options;
  const shapes = shapesFor(wiring, formats);
  const lines = gpio.openInputs({ lines: linesOf(wiring), bias: "pull_up", carries: "pulses" });
  return new WiegandReader(lines, clock, shapes);
}

function linesOf({ id, d0, d1 }: ReaderWiring): readonly string[] {
  if (d0 !== undefined && d1 !== undefined) return [d0, d1];
  throw new HalError("not_supported", `reader ${id}: a Wiegand reader has two lines, d0 and d1`);
}

function shapesFor(
  wiring: ReaderWiring,
  formats: readonly WiegandFormat[],
): readonly [ReaderShape, ...ReaderShape[]] {
  const refuse = (why: string): never => {
    throw new HalError("not_supported", `reader ${wiring.id}: ${why}`);
  };
  const cards = wiring.formats.map((name) => {
    const format = formats.find((candidate) => candidate.name === name);
    return cardShape(format ?? refuse(`no Wiegand format is named "${name}"`));
  });
  const [first, ...others] = cards;
  if (first === undefined) return refuse("at least one Wiegand format is needed");
  if (wiring.keypad === "none") return [first, ...others];
  const taken = cards.find((card) => card.bitCount === pinFrameBits);
  if (wiring.keypad === "pin_26" && taken !== undefined) {
    refuse(`keypad "pin_26" sends PINs as 26 bits, as cards of format ${taken.format.name} are`);
  }
  return [first, ...others, keypadShape(wiring.keypad)];
}

class WiegandReader implements Reader {
  readonly #lines: InputLines;
  readonly #clock: Clock;
  readonly #shapes: readonly ReaderShape[];
  readonly #hasKeypad: boolean;
  #listener: ((report: ReaderReport) => void) | undefined;
  #decoder: FrameDecoder<ReaderShape> | undefined;

  #alarm: Alarm | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #afterPoll: NodeJS.Immediate | undefined;
  /** How late the last edge came, and the latest of its frame. */
  #lateNs = 0;
  #lateNsMost = 0;
  #closed = false;

  /** There while somebody observes. */
  #trace: PulseTrace | undefined;
  readonly #observers = new Set<(seen: ReaderObservation) => void>();

  #frameCount = 0;
  readonly #misreadCounts: Record<string, number> = {};

  constructor(lines: InputLines, clock: Clock, shapes: readonly ReaderShape[]) {
    this.#lines = lines;
    this.#clock = clock;
    this.#shapes = shapes;
    this.#hasKeypad = shapes.some(({ kind }) => kind !== "card");
  }

  listen(listener: (report: ReaderReport) => void): void {
    if (this.#listener !== undefined) throw new Error("this reader has its one listener already");
    this.#listener = listener;
    const lowAtOpening = [this.#lines.read(0) === 0, this.#lines.read(1) === 0] as const;
    this.#lines.listen((edge) => this.#edge(edge));
    // Taken last: an edge between two of these lines then counts as too early, never as whole.
    const openedAt = this.#nowNs();
    this.#decoder = new FrameDecoder({ shapes: this.#shapes, openedAt, lowAtOpening });
  }

  health(): ReaderHealth {
    return {
      frameCount: this.#frameCount,
      misreadCounts: { ...this.#misreadCounts },
      extraBitCount: this.#decoder?.extraBitCount ?? 0,
      lostEdgeCount: this.#decoder?.lostEdgeCount ?? 0,
    };
  }

  observe(onFrame: (seen: ReaderObservation) => void): () => void {
    this.#observers.add(onFrame);
    this.#trace ??= new PulseTrace();
    return () => {
      this.#observers.delete(onFrame);
      if (this.#observers.size === 0) this.#trace = undefined;
    };
  }

  close(): void {
    this.#closed = true;
    this.#disarm();
    clearImmediate(this.#afterPoll);
    this.#lines.close();
  }

  #nowNs(): EdgeNs {
    return edgeNs(this.#clock.monotonic() * 1e6);
  }

  #edge(edge: Edge): void {
    const decoder = this.#decoder;
    if (decoder === undefined || this.#closed) return;
    const frame = decoder.edge(edge);
    if (frame !== undefined) this.#tell(frame);
    this.#trace?.edge(edge);
    const late = this.#nowNs() - edge.at;
    this.#lateNs = late > promptEdgeNsMax ? late : 0;
    this.#lateNsMost = Math.max(this.#lateNsMost, this.#lateNs);
    this.#arm();
  }

  /**
   * When to ask the decoder, or undefined while it waits for nothing. Edges that came late by some
   * time may be followed by others as late: asking at the plain deadline would cut their frame.
   */
  #askAt(): MonotonicMs | undefined {
    const deadline = this.#decoder?.deadline();
    if (deadline === undefined) return undefined;
    const grace = this.#lateNs + Math.min(this.#lateNsMost, lateEdgesNsMax);
    return monotonicMs((deadline + grace) / 1e6);
  }

  /**
   * An alarm that is early enough stays: it asks again when it fires, once a frame and not a bit.
   */
  #arm(): void {
    const askAt = this.#askAt();
    if (askAt === undefined) {
      this.#disarm();
      return;
    }
    if (this.#alarm !== undefined && this.#alarmAt <= askAt) return;
    this.#disarm();
    this.#alarmAt = askAt;
    this.#alarm = this.#clock.alarm(askAt, () => this.#alarmFired());
  }

  #disarm(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#alarmAt = Number.POSITIVE_INFINITY;
  }

  /**
   * When the process was held up, the timer fires before the edges that waited are read. They
   * decide, so the event loop polls them first; edges that this brings move the time to ask. What came
   * while these, or another reader's, were being worked through has not been read: nothing but what was
   * on the lines until `firedAt` is known, however late it is by then.
   */
  #alarmFired(): void {
    this.#disarm();
    clearImmediate(this.#afterPoll);
    const firedAt = this.#clock.monotonic();
    this.#afterPoll = setImmediate(() => this.#polled(firedAt));
  }

  #polled(firedAt: MonotonicMs): void {
    const deadline = this.#decoder?.deadline();
    const askAt = this.#askAt();
    if (this.#closed || deadline === undefined || askAt === undefined) return;
    if (firedAt >= askAt) {
      const frame = this.#decoder?.deadlineReached(deadline);
      if (frame !== undefined) this.#tell(frame);
    }
    this.#arm();
  }

  #tell(frame: Frame<ReaderShape>): void {
    this.#lateNsMost = 0;
    const report = reportOf(frame);
    if (report.kind === "misread") {
      this.#misreadCounts[report.verdict] = (this.#misreadCounts[report.verdict] ?? 0) + 1;
    } else {
      this.#frameCount += 1;
    }
    this.#listener?.(report);
    if (this.#trace === undefined) return;
    const seen = observed(report, { trace: this.#trace.told(), hasKeypad: this.#hasKeypad });
    for (const observer of this.#observers) observer(seen);
  }
}

function observed(
  report: ReaderReport,
  { trace, hasKeypad }: { readonly trace: Trace; readonly hasKeypad: boolean },
): ReaderObservation {
  const { bits, spacingsUs } = trace;
  const seen = { kind: report.kind, verdict: "ok", bitCount: bits.length, spacingsUs };
  switch (report.kind) {
    case "card":
      return { ...seen, format: report.format, bits };
    case "key":
    case "pin":
      return seen;
    case "misread": {
      const misread = { ...seen, verdict: report.verdict, bitCount: report.bitCount };
      return hasKeypad ? misread : { ...misread, bits };
    }
    default:
      return unreachable(report);
  }
}

function reportOf(frame: Frame<ReaderShape>): ReaderReport {
  const { at } = frame;
  if (frame.verdict !== "ok") {
    return { kind: "misread", verdict: frame.verdict, bitCount: frame.bitCount, at };
  }
  const { shape, bits } = frame;
  const noEntry = { kind: "misread", verdict: "entry_error", bitCount: bits.length, at } as const;
  switch (shape.kind) {
    case "card":
      return { kind: "card", raw: rawFromBits(bits), format: shape.format.name, at };
    case "key": {
      const key = decodeKey(shape.keypad, bits);
      return key === undefined ? noEntry : { kind: "key", key, at };
    }
    case "pin": {
      const pin = decodePinFrame(bits);
      return pin?.kind === "pin" ? { kind: "pin", digits: pin.digits, at } : noEntry;
    }
    default:
      return unreachable(shape);
  }
}
