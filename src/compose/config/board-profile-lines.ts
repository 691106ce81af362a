import type { KeyPath } from "../../protocols/toml/key-path.ts";
import type { TomlReport } from "../../protocols/toml/located-toml.ts";
import { reportRepeats } from "../../protocols/toml/reference-checks.ts";
import type { BoardProfileTables, ContactTable } from "./board-profile-schema.ts";

interface LineUse {
  readonly path: KeyPath;
  readonly line: string;
}

/** Lines that are read as one, so that their edges come in the order in which they happened. */
type ReadTogether = readonly LineUse[];

interface ProfileLines {
  readonly all: readonly LineUse[];
  readonly together: readonly ReadTogether[];
  /** Those whose edges come too fast, or matter too much, for a chip behind a bus. */
  readonly boardsOwn: readonly (LineUse & { readonly why: string })[];
}

const expanderPin = /^[AB][0-7]$/;

/** What no two things may share, and what an expander cannot do. */
export function checkLines(tables: BoardProfileTables, report: TomlReport): void {
  const { all, together, boardsOwn } = linesOf(tables);
  reportRepeats(
    report,
    "a line that nothing else is wired to",
    all.map(({ path, line }) => [path, line]),
  );
  const expanders = new Set(tables.expanders.map(({ id }) => id));
  /** Undefined for a line of the board itself. */
  const expanderOf = (line: string): string | undefined => {
    const [chip = ""] = line.split(":", 1);
    return line.includes(":") && expanders.has(chip) ? chip : undefined;
  };
  for (const { path, line } of all) {
    const chip = expanderOf(line);
    if (chip !== undefined && !expanderPin.test(line.slice(chip.length + 1))) {
      report.fault(path, `a line of the expander "${chip}", ${chip}:A0 to A7 or B0 to B7`);
    }
  }
  for (const { path, line, why } of boardsOwn) {
    if (expanderOf(line) !== undefined) report.fault(path, `a line of the board itself: ${why}`);
  }
  for (const [first, ...others] of together) {
    if (first === undefined) continue;
    const chip = expanderOf(first.line);
    const owner = chip === undefined ? "the board itself" : `the expander "${chip}"`;
    for (const { path, line } of others) {
      if (expanderOf(line) === chip) continue;
      report.fault(path, `a line of ${owner}, as "${first.line}" is: they are read as one`);
    }
  }
}

/** Every line of the file that something is wired to, with where it says so. */
function linesOf(tables: BoardProfileTables): ProfileLines {
  const all: LineUse[] = [];
  const together: ReadTogether[] = [];
  const boardsOwn: (LineUse & { readonly why: string })[] = [];
  const add = (path: KeyPath, line: string | undefined): readonly LineUse[] => {
    if (line === undefined) return [];
    all.push({ path, line });
    return [{ path, line }];
  };
  const addOwn = (path: KeyPath, line: string | undefined, why: string) => {
    for (const use of add(path, line)) boardsOwn.push({ ...use, why });
  };
  const addContact = (path: KeyPath, contact: ContactTable | undefined) => {
    together.push([
      ...add([...path, "line"], contact?.line),
      ...add([...path, "supervision", "cut_line"], contact?.supervision?.cut_line),
      ...add([...path, "supervision", "shorted_line"], contact?.supervision?.shorted_line),
    ]);
  };
  for (const [index, { strike, position, rex }] of tables.doors.entries()) {
    add(["doors", index, "strike", "line"], strike.line);
    addContact(["doors", index, "position"], position);
    addContact(["doors", index, "rex"], rex);
  }
  for (const [index, reader] of tables.readers.entries()) {
    const path = ["readers", index];
    const tooFast = "an expander is too slow for a Wiegand reader's pulses";
    addOwn([...path, "d0"], reader.d0, tooFast);
    addOwn([...path, "d1"], reader.d1, tooFast);
    const { rows = [], columns = [] } = reader.matrix ?? {};
    for (const [row, line] of rows.entries()) add([...path, "matrix", "rows", row], line);
    together.push(
      columns.flatMap((line, column) => add([...path, "matrix", "columns", column], line)),
    );
    for (const lamp of ["red", "green", "amber", "beeper"] as const) {
      add([...path, lamp, "line"], reader[lamp]?.line);
    }
    addContact([...path, "tamper"], reader.tamper);
  }
  addContact(["fire"], tables.fire);
  addContact(["tamper"], tables.tamper);
  for (const [index, { interrupt_line }] of tables.expanders.entries()) {
    const why = "an expander's interrupt tells when the expander is to be read";
    addOwn(["expanders", index, "interrupt_line"], interrupt_line, why);
  }
  return { all, together, boardsOwn };
}
