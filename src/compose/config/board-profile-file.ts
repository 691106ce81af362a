import type {
  BleWiring,
  BoardProfile,
  ClockChipWiring,
  ContactWiring,
  DoorWiring,
  ExpanderWiring,
  LampWiring,
  ReaderWiring,
} from "../../../hal/board-profile.ts";
import type { Level } from "../../../hal/gpio.ts";
import { doorId, readerId } from "../../domain/ids.ts";
import type { Result } from "../../domain/result.ts";
import { pinFrameBits } from "../../protocols/keypad/pin-frame.ts";
import { readFormats } from "../../protocols/toml/format-table.ts";
import type { KeyPath } from "../../protocols/toml/key-path.ts";
import { readToml, type TomlReport, type TomlSource } from "../../protocols/toml/located-toml.ts";
import { reportRepeats, reportUnknownName } from "../../protocols/toml/reference-checks.ts";
import type { TomlFault } from "../../protocols/toml/toml-fault.ts";
import type { WiegandFormat } from "../../protocols/wiegand/format.ts";
import { checkLines } from "./board-profile-lines.ts";
import {
  type BoardProfileTables,
  boardProfileSchema,
  type ContactTable,
  type DoorTable,
  type ReaderTable,
} from "./board-profile-schema.ts";

export interface BoardProfileFile {
  readonly profile: BoardProfile;
  /** The standard formats and those that the file adds; every reader's formats are among them. */
  readonly formats: readonly WiegandFormat[];
}

/** How a board is wired, from `config/boards/*.toml`; see config/README.md for its keys. */
export function parseBoardProfile(
  source: TomlSource,
): Result<BoardProfileFile, readonly TomlFault[]> {
  return readToml({ ...source, schema: boardProfileSchema, build: boardProfile });
}

function boardProfile(tables: BoardProfileTables, report: TomlReport): BoardProfileFile {
  const formats = readFormats(tables.formats, report);
  reportRepeats(report, "an id used once", idsOf(tables, "doors"));
  reportRepeats(report, "an id used once", idsOf(tables, "readers"));
  reportRepeats(report, "an id used once", idsOf(tables, "expanders"));
  reportRepeats(report, "an address that nothing else has", addressesOf(tables));
  reportRepeats(report, "an adapter that no other reader has", adaptersOf(tables));
  checkLines(tables, report);
  const doors = new Set(tables.doors.map(({ id }) => id));
  for (const [index, reader] of tables.readers.entries()) {
    const path = ["readers", index];
    reportUnknownName(report, {
      path: [...path, "door"],
      what: "door",
      name: reader.door,
      known: doors,
    });
    checkKind(reader, path, report);
    checkFormats({ reader, path: [...path, "formats"], tables, formats, report });
  }
  const { fire, tamper, clock_chip } = tables;
  return {
    profile: {
      doors: tables.doors.map(doorWiring),
      readers: tables.readers.map(readerWiring),
      ...(fire === undefined ? {} : { fire: contactWiring(fire) }),
      ...(tamper === undefined ? {} : { tamper: contactWiring(tamper) }),
      expanders: tables.expanders.map((expander) => expanderWiring(expander, tables.readers)),
      ...(clock_chip === undefined ? {} : { clockChip: clock_chip satisfies ClockChipWiring }),
    },
    formats,
  };
}

/**
 * A contact's change is believed after a poll and its debouncing: 70 ms at most as a rule, so that the
 * quickest tap on an exit button counts, which takes some 100 ms, and nobody waits for a lock. Each poll
 * wakes a sleeping processor, which costs more than the poll: 20 a second are what idling can afford.
 */
const contactPollMs = 50;

/** Whoever types fast is on a key for 60 ms or so, and a keypad has to see it for 25. */
const keypadPollMs = 20;

/** A reader has two Wiegand lines, or a matrix, or both in one housing. */
function checkKind(reader: ReaderTable, path: KeyPath, report: TomlReport): void {
  const { d0, d1, matrix, formats, keypad } = reader;
  if (d0 === undefined && d1 === undefined && matrix === undefined) {
    report.fault([...path, "d0"], "the lines d0 and d1 of a Wiegand reader, or a matrix");
    return;
  }
  if ((d0 === undefined) !== (d1 === undefined)) {
    report.fault([...path, d0 === undefined ? "d0" : "d1"], "both lines of a Wiegand reader");
  }
  const isWiegand = d0 !== undefined || d1 !== undefined;
  if (isWiegand && formats === undefined) {
    report.fault([...path, "formats"], "a list of one name of a card format or more");
  }
  if (!isWiegand && formats !== undefined) {
    report.fault([...path, "formats"], "no formats of a reader without d0 and d1");
  }
  if (matrix !== undefined && keypad !== "none") {
    report.fault([...path, "keypad"], '"none" beside a matrix: a reader has one keypad');
  }
}

function checkFormats(options: {
  readonly reader: ReaderTable;
  readonly path: KeyPath;
  readonly tables: BoardProfileTables;
  readonly formats: readonly WiegandFormat[];
  readonly report: TomlReport;
}): void {
  const { reader, path, tables, formats, report } = options;
  // A format of the file that is itself at fault is reported there, once.
  const known = new Set([...formats, ...tables.formats].map(({ name }) => name));
  const named = reader.formats ?? [];
  for (const [index, name] of named.entries()) {
    const at = [...path, index];
    reportUnknownName(report, { path: at, what: "format", name, known });
    if (named.indexOf(name) < index) report.fault(at, "each format once");
    const bitCount = formats.find((format) => format.name === name)?.bitCount;
    if (reader.keypad === "pin_26" && bitCount === pinFrameBits) {
      // Nobody could tell a PIN from a card then, and a card's number is printed on it.
      report.fault(at, `no format of ${pinFrameBits} bits, which the keypad's PINs are`);
    }
  }
}

function idsOf(
  tables: BoardProfileTables,
  list: "doors" | "readers" | "expanders",
): readonly (readonly [KeyPath, string])[] {
  return tables[list].map(({ id }, index) => [[list, index, "id"], id]);
}

/** Two chips that answer at one address of one bus would each do what the other is told. */
function addressesOf(tables: BoardProfileTables): readonly (readonly [KeyPath, string])[] {
  const ofExpanders = tables.expanders.map(
    ({ bus, address }, index) =>
      [["expanders", index, "address"], `${bus}:${address}`] as const satisfies [KeyPath, string],
  );
  const chip = tables.clock_chip;
  if (chip === undefined) return ofExpanders;
  return [...ofExpanders, [["clock_chip", "address"], `${chip.bus}:${chip.address}`]];
}

/** One that is switched off keeps its adapter: it may be switched on again. */
function adaptersOf(tables: BoardProfileTables): readonly (readonly [KeyPath, string])[] {
  return tables.readers.flatMap(({ ble }, index) =>
    ble === undefined ? [] : [[["readers", index, "ble", "adapter"], String(ble.adapter)] as const],
  );
}

const levelOf = (name: "high" | "low"): Level => (name === "high" ? 1 : 0);

function doorWiring(door: DoorTable): DoorWiring {
  const { line, energized_level, lock } = door.strike;
  return {
    id: doorId(door.id),
    strike: { line, energizedLevel: levelOf(energized_level), lock },
    ...(door.position === undefined ? {} : { position: contactWiring(door.position) }),
    ...(door.rex === undefined ? {} : { rex: contactWiring(door.rex) }),
  };
}

function contactWiring(table: ContactTable): ContactWiring {
  const { line, contact, debounce_ms, supervision } = table;
  const wiring = { line, contact, debounceMs: debounce_ms };
  if (supervision === undefined) return wiring;
  const { cut_line, shorted_line, active_level } = supervision;
  const activeLevel = levelOf(active_level);
  return {
    ...wiring,
    supervision: { cutLine: cut_line, shortedLine: shorted_line, activeLevel },
  };
}

function readerWiring(reader: ReaderTable): ReaderWiring {
  const { d0, d1, matrix, red, green, amber, beeper, tamper, ble } = reader;
  return {
    id: readerId(reader.id),
    door: doorId(reader.door),
    ...(d0 === undefined ? {} : { d0 }),
    ...(d1 === undefined ? {} : { d1 }),
    ...(matrix === undefined ? {} : { matrix }),
    formats: reader.formats ?? [],
    keypad: reader.keypad,
    ...(red === undefined ? {} : { red: lampWiring(red) }),
    ...(green === undefined ? {} : { green: lampWiring(green) }),
    ...(amber === undefined ? {} : { amber: lampWiring(amber) }),
    ...(beeper === undefined ? {} : { beeper: lampWiring(beeper) }),
    ...(tamper === undefined ? {} : { tamper: contactWiring(tamper) }),
    ...(ble?.enabled === true ? { ble: bleWiring(ble) } : {}),
  };
}

function bleWiring({ adapter, driver, rssi_min }: NonNullable<ReaderTable["ble"]>): BleWiring {
  return { adapter, driver, ...(rssi_min === undefined ? {} : { rssiMin: rssi_min }) };
}

function lampWiring(lamp: NonNullable<ReaderTable["red"]>): LampWiring {
  return { line: lamp.line, activeLevel: levelOf(lamp.active_level) };
}

function expanderWiring(
  table: BoardProfileTables["expanders"][number],
  readers: readonly ReaderTable[],
): ExpanderWiring {
  const { id, kind, bus, address, interrupt_line, poll_ms } = table;
  const interruptLine = interrupt_line === undefined ? {} : { interruptLine: interrupt_line };
  const isKeypad = ({ matrix }: ReaderTable) =>
    matrix?.columns.some((line) => line.startsWith(`${id}:`)) === true;
  const pollMs = poll_ms ?? (readers.some(isKeypad) ? keypadPollMs : contactPollMs);
  return { id, kind, bus, address, ...interruptLine, pollMs };
}
