import * as v from "valibot";
import { fail, type Result, succeed } from "../../src/domain/result.ts";
import type { Level } from "../gpio.ts";
import { Seeded } from "./seeded.ts";

/** How often each fault happens, from 0 (never, the default) to 1 (each time). */
export interface FaultRates {
  /** Per edge: the kernel's queue lost it; the next edge's sequence number shows the gap. */
  readonly lostEdge?: number;
  /**
   * Per edge: the process does not get round to it, nor to its timers, for up to `lateMsMax`. Stamps
   * stay right.
   */
  readonly lateCallback?: number;
  /** Per bit of a frame: a pulse of a microsecond or two, too short to be a bit. */
  readonly glitch?: number;
  /** Per bit of a frame: the other line goes low along with the one that carries the bit. */
  readonly bothLow?: number;
  /** Per change of a contact: it bounces for some milliseconds before it rests. */
  readonly bounce?: number;
}

export interface LineFaults extends FaultRates {
  /** The line stays at this level whatever the world does: a short or a broken wire. */
  readonly stuck?: Level;
}

/** `lines` says otherwise than `board` for single lines. */
export interface FaultSettings {
  readonly seed: number;
  readonly board: FaultRates;
  readonly lines: Readonly<Record<string, LineFaults>>;
}

export const faultKinds = ["lostEdge", "lateCallback", "glitch", "bothLow", "bounce"] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Longer than the stalls of 2-15 ms that a busy host shows, shorter than a person's patience. */
export const lateMsMax = 60;

export const noFaults: FaultSettings = { seed: 0, board: {}, lines: {} };

/**
 * Decides which faults happen. Each kind on each line has a stream of its own, drawn from in the order
 * in which the world acts on that line: the seed replays a run whatever the real time does.
 */
export class Faults {
  #settings = noFaults;
  #streams = new Map<string, Seeded>();
  #counts = new Map<FaultKind, number>();

  settings(): FaultSettings {
    return this.#settings;
  }

  /** How many of each kind were caused since the settings were made. */
  counts(): Readonly<Record<FaultKind, number>> {
    const count = (kind: FaultKind) => this.#counts.get(kind) ?? 0;
    return {
      lostEdge: count("lostEdge"),
      lateCallback: count("lateCallback"),
      glitch: count("glitch"),
      bothLow: count("bothLow"),
      bounce: count("bounce"),
    };
  }

  /** Begins each stream anew. */
  set(settings: FaultSettings): void {
    this.#settings = settings;
    this.#streams = new Map();
    this.#counts = new Map();
  }

  occurs(kind: FaultKind, line: string): boolean {
    const { board, lines } = this.#settings;
    const own = Object.hasOwn(lines, line) ? lines[line]?.[kind] : undefined;
    const rate = own ?? board[kind] ?? 0;
    if (rate === 0 || this.stream(kind, line).next() >= rate) return false;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    return true;
  }

  /** For the details of a fault that occurs. */
  stream(kind: FaultKind, line: string): Seeded {
    const name = `${kind} ${line}`;
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const fresh = new Seeded(this.#settings.seed, name);
    this.#streams.set(name, fresh);
    return fresh;
  }

  stuck(line: string): Level | undefined {
    const { lines } = this.#settings;
    return Object.hasOwn(lines, line) ? lines[line]?.stuck : undefined;
  }
}

const rateExpected = "a number from 0 to 1";
const rate = v.pipe(
  v.number(rateExpected),
  v.minValue(0, rateExpected),
  v.maxValue(1, rateExpected),
);
const rates = {
  lostEdge: v.exactOptional(rate),
  lateCallback: v.exactOptional(rate),
  glitch: v.exactOptional(rate),
  bothLow: v.exactOptional(rate),
  bounce: v.exactOptional(rate),
};
const seedExpected = "a whole number from 0 to 4294967295";
const fieldsExpected = "no field of this name";

const settingsSchema = v.strictObject(
  {
    seed: v.pipe(
      v.number(seedExpected),
      v.integer(seedExpected),
      v.minValue(0, seedExpected),
      v.maxValue(2 ** 32 - 1, seedExpected),
    ),
    board: v.optional(v.strictObject(rates, ratesMessage), {}),
    lines: v.optional(
      v.record(
        v.string(),
        v.strictObject(
          { ...rates, stuck: v.exactOptional(v.picklist([0, 1], "0 or 1")) },
          ratesMessage,
        ),
        "an object of line names",
      ),
      {},
    ),
  },
  (issue) => (issue.expected === "never" ? fieldsExpected : seedOrObject(issue.input)),
);

function seedOrObject(input: unknown): string {
  return input === undefined ? seedExpected : "a JSON object";
}

function ratesMessage(issue: { readonly expected: string | null }): string {
  return issue.expected === "never" ? fieldsExpected : "an object of fault rates";
}

/** From outside. `known` are the board's lines. */
export function parseFaultSettings(
  value: unknown,
  known: readonly string[],
): Result<FaultSettings, { readonly field: string; readonly expected: string }> {
  const parsed = v.safeParse(settingsSchema, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return fail({ field: v.getDotPath(issue) ?? "body", expected: issue.message });
  }
  const unknown = Object.keys(parsed.output.lines).find((line) => !known.includes(line));
  if (unknown !== undefined) {
    return fail({
      field: `lines.${unknown}`,
      expected: `a line of this board: ${known.join(", ")}`,
    });
  }
  return succeed(parsed.output);
}
