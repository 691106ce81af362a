import * as v from "valibot";
import type {
  BoardProfile,
  ContactWiring,
  DoorWiring,
  LampWiring,
  ReaderWiring,
} from "../../../hal/board-profile.ts";
import type { Level } from "../../../hal/gpio.ts";
import { doorId, readerId } from "../../domain/ids.ts";
import type { Result } from "../../domain/result.ts";
import { pinFrameBits } from "../../protocols/keypad/pin-frame.ts";
import { formatTables, readFormats } from "../../protocols/toml/format-table.ts";
import type { KeyPath } from "../../protocols/toml/key-path.ts";
import { readToml, type TomlReport, type TomlSource } from "../../protocols/toml/located-toml.ts";
import { reportRepeats, reportUnknownName } from "../../protocols/toml/reference-checks.ts";
import type { TomlFault } from "../../protocols/toml/toml-fault.ts";
import {
  filledListOf,
  idText,
  listOf,
  oneOf,
  textLike,
  tomlTable,
  wholeNumber,
} from "../../protocols/toml/toml-schema.ts";
import type { WiegandFormat } from "../../protocols/wiegand/format.ts";

export interface BoardProfileFile {
  readonly profile: BoardProfile;
  /** The standard formats and those that the file adds; every reader's formats are among them. */
  readonly formats: readonly WiegandFormat[];
}

const lineName = textLike(
  (text) => /^[A-Za-z0-9_.:-]{1,64}$/.test(text),
  "the name of a line: 1 to 64 letters, digits, '_', '.', ':' or '-'",
);
const level = oneOf(["high", "low"]);

/**
 * Below this a contact's own level could be believed before the comparators beside it tell that its
 * wire was cut: pliers on a fire wire would open the building.
 */
const supervisedDebounceMsMin = 10;

const contactTable = v.exactOptional(
  v.pipe(
    tomlTable({
      line: lineName,
      contact: oneOf(["normally_open", "normally_closed"]),
      debounce_ms: v.optional(wholeNumber({ min: 0, max: 1_000 }), 20),
      supervision: v.exactOptional(
        tomlTable({ cut_line: lineName, shorted_line: lineName, active_level: level }),
      ),
    }),
    v.forward(
      v.check(
        ({ supervision, debounce_ms }) =>
          supervision === undefined || debounce_ms >= supervisedDebounceMsMin,
        `at least ${supervisedDebounceMsMin} where the wire is supervised`,
      ),
      ["debounce_ms"],
    ),
  ),
);

const lampTable = v.exactOptional(tomlTable({ line: lineName, active_level: level }));

const doorTable = tomlTable({
  id: idText,
  strike: tomlTable({
    line: lineName,
    energized_level: level,
    lock: oneOf(["fail_secure", "fail_safe"]),
  }),
  position: contactTable,
  rex: contactTable,
});

const readerTable = tomlTable({
  id: idText,
  door: idText,
  d0: lineName,
  d1: lineName,
  formats: filledListOf(v.string("the name of a card format"), "name of a card format"),
  keypad: v.optional(oneOf(["none", "burst_4", "burst_8", "pin_26"]), "none"),
  red: lampTable,
  green: lampTable,
  amber: lampTable,
  beeper: lampTable,
  tamper: contactTable,
});

export const boardProfileSchema = tomlTable({
  doors: filledListOf(doorTable, "table"),
  readers: v.optional(listOf(readerTable, "tables"), []),
  fire: contactTable,
  tamper: contactTable,
  formats: formatTables,
});

type BoardProfileTables = v.InferOutput<typeof boardProfileSchema>;
type DoorTable = BoardProfileTables["doors"][number];
type ReaderTable = BoardProfileTables["readers"][number];
type ContactTable = NonNullable<BoardProfileTables["fire"]>;

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
  reportRepeats(report, "a line that nothing else is wired to", linesOf(tables));
  const doors = new Set(tables.doors.map(({ id }) => id));
  for (const [index, reader] of tables.readers.entries()) {
    const path = ["readers", index];
    reportUnknownName(report, {
      path: [...path, "door"],
      what: "door",
      name: reader.door,
      known: doors,
    });
    checkFormats({ reader, path: [...path, "formats"], tables, formats, report });
  }
  const { fire, tamper } = tables;
  return {
    profile: {
      doors: tables.doors.map(doorWiring),
      readers: tables.readers.map(readerWiring),
      ...(fire === undefined ? {} : { fire: contactWiring(fire) }),
      ...(tamper === undefined ? {} : { tamper: contactWiring(tamper) }),
    },
    formats,
  };
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
  for (const [index, name] of reader.formats.entries()) {
    const at = [...path, index];
    reportUnknownName(report, { path: at, what: "format", name, known });
    if (reader.formats.indexOf(name) < index) report.fault(at, "each format once");
    const bitCount = formats.find((format) => format.name === name)?.bitCount;
    if (reader.keypad === "pin_26" && bitCount === pinFrameBits) {
      // Nobody could tell a PIN from a card then, and a card's number is printed on it.
      report.fault(at, `no format of ${pinFrameBits} bits, which the keypad's PINs are`);
    }
  }
}

function idsOf(
  tables: BoardProfileTables,
  list: "doors" | "readers",
): readonly (readonly [KeyPath, string])[] {
  return tables[list].map(({ id }, index) => [[list, index, "id"], id]);
}

/** Every line of the file that something is wired to, with where it says so. */
function linesOf(tables: BoardProfileTables): readonly (readonly [KeyPath, string])[] {
  const lines: (readonly [KeyPath, string])[] = [];
  const add = (path: KeyPath, line: string | undefined) => {
    if (line !== undefined) lines.push([path, line]);
  };
  const addContact = (path: KeyPath, contact: ContactTable | undefined) => {
    add([...path, "line"], contact?.line);
    for (const fault of ["cut_line", "shorted_line"] as const) {
      add([...path, "supervision", fault], contact?.supervision?.[fault]);
    }
  };
  for (const [index, door] of tables.doors.entries()) {
    add(["doors", index, "strike", "line"], door.strike.line);
    addContact(["doors", index, "position"], door.position);
    addContact(["doors", index, "rex"], door.rex);
  }
  for (const [index, reader] of tables.readers.entries()) {
    add(["readers", index, "d0"], reader.d0);
    add(["readers", index, "d1"], reader.d1);
    for (const lamp of ["red", "green", "amber", "beeper"] as const) {
      add(["readers", index, lamp, "line"], reader[lamp]?.line);
    }
    addContact(["readers", index, "tamper"], reader.tamper);
  }
  addContact(["fire"], tables.fire);
  addContact(["tamper"], tables.tamper);
  return lines;
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
  const { red, green, amber, beeper, tamper } = reader;
  return {
    id: readerId(reader.id),
    door: doorId(reader.door),
    d0: reader.d0,
    d1: reader.d1,
    formats: reader.formats,
    keypad: reader.keypad,
    ...(red === undefined ? {} : { red: lampWiring(red) }),
    ...(green === undefined ? {} : { green: lampWiring(green) }),
    ...(amber === undefined ? {} : { amber: lampWiring(amber) }),
    ...(beeper === undefined ? {} : { beeper: lampWiring(beeper) }),
    ...(tamper === undefined ? {} : { tamper: contactWiring(tamper) }),
  };
}

function lampWiring(lamp: NonNullable<ReaderTable["red"]>): LampWiring {
  return { line: lamp.line, activeLevel: levelOf(lamp.active_level) };
}
