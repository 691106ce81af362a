import type { Board } from "../../../hal/board.ts";
import type { BoardProfile, ContactWiring, LampWiring } from "../../../hal/board-profile.ts";
import { openBoard } from "../../../hal/lines/board.ts";
import type { ReaderReport } from "../../../hal/reader.ts";
import { SimBoard } from "../../../hal/sim/sim-board.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import { encodeCard, standardFormats } from "../../../src/protocols/wiegand/format.ts";

const lamp = (line: string): LampWiring => ({ line, activeLevel: 0 });

const contact = (line: string): ContactWiring => ({
  line,
  contact: "normally_closed",
  debounceMs: 20,
});

/** Its comparators pull their lines down for a fault. */
const supervised = (line: string): ContactWiring => ({
  ...contact(line),
  supervision: { cutLine: `${line}-cut`, shortedLine: `${line}-shorted`, activeLevel: 0 },
});

/** Two doors that differ in all that wiring can differ in. */
export const twoDoors: BoardProfile = {
  doors: [
    {
      id: doorId("front"),
      strike: { line: "front-relay", energizedLevel: 1, lock: "fail_secure" },
      position: supervised("front-contact"),
      rex: { line: "front-rex", contact: "normally_open", debounceMs: 20 },
    },
    {
      id: doorId("lab"),
      strike: { line: "lab-relay", energizedLevel: 0, lock: "fail_safe" },
      position: { line: "lab-contact", contact: "normally_open", debounceMs: 20 },
    },
  ],
  readers: [
    {
      id: readerId("front"),
      door: doorId("front"),
      d0: "front-d0",
      d1: "front-d1",
      formats: ["H10301"],
      keypad: "burst_4",
      red: lamp("front-red"),
      green: lamp("front-green"),
      beeper: lamp("front-beeper"),
      tamper: contact("front-tamper"),
    },
    {
      id: readerId("lab"),
      door: doorId("lab"),
      d0: "lab-d0",
      d1: "lab-d1",
      formats: ["H10304", "CSN56"],
      keypad: "pin_26",
      red: lamp("lab-red"),
      green: lamp("lab-green"),
      amber: lamp("lab-amber"),
    },
    {
      id: readerId("back"),
      door: doorId("lab"),
      d0: "back-d0",
      d1: "back-d1",
      formats: ["CSN80"],
      keypad: "burst_8",
    },
  ],
  fire: supervised("fire"),
  tamper: contact("tamper"),
  expanders: [],
};

/** The simulated board and the devices over its lines, with all that the readers report. */
export function openRig(profile: BoardProfile = twoDoors) {
  const clock = new SimClock();
  const sim = new SimBoard({ profile, clock, formats: standardFormats });
  const board = openBoard({ profile, gpio: sim.gpio, clock: sim.clock, formats: standardFormats });
  const reports: (ReaderReport & { readonly reader: string })[] = [];
  for (const { id, reader } of board.readers) {
    reader.listen((report) => reports.push({ ...report, reader: id }));
  }
  // A first frame right after opening would count as one whose beginning was missed.
  clock.advance(5);
  /** Time passes until what was asked of the world is done. */
  const until = async <T>(asked: Promise<T>): Promise<T> => {
    let done = false;
    const finished = () => {
      done = true;
    };
    asked.then(finished, finished);
    for (let passed = 0; !done && passed < 60_000; passed += 1) await clock.elapse(1);
    return asked;
  };
  return { clock, sim, board, reports, until };
}

export function doorOf(board: Board, id: string) {
  const door = board.doors.find((candidate) => candidate.id === id);
  if (door === undefined) throw new Error(`no door ${id}`);
  return door;
}

export function readerOf(board: Board, id: string) {
  const reader = board.readers.find((candidate) => candidate.id === id);
  if (reader === undefined) throw new Error(`no reader ${id}`);
  return reader;
}

export function bitsOf(name: string, fields: Readonly<Record<string, number | string>>): string {
  const format = standardFormats.find((candidate) => candidate.name === name);
  if (format === undefined) throw new Error(`no format ${name}`);
  const encoded = encodeCard(format, fields);
  if (!encoded.ok) throw new Error(`${name}: ${encoded.fault.field}`);
  return encoded.value;
}

/** What `action` throws; undefined if nothing, or something that the world cannot fail with. */
export function halErrorOf(action: () => unknown): HalError | undefined {
  try {
    action();
  } catch (error) {
    return error instanceof HalError ? error : undefined;
  }
  return undefined;
}
