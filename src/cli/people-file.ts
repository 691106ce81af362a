import { type CsvRow, csvRows } from "./csv-rows.ts";
import { unguardFormula } from "./formula-guard.ts";
import { listSeparator, type PeopleColumn, peopleColumns, userColumns } from "./people-columns.ts";
import { readSiteMoment } from "./site-moment.ts";
import { CommandFailed } from "./terminal.ts";

/** What is wrong with a row: which cell, and what was expected there. */
export interface RowFault {
  readonly line: number;
  readonly column: PeopleColumn | "";
  readonly expected: string;
}

/** A user with all the rows that are his, as `/postern/import` takes him. */
export interface FilePerson {
  readonly line: number;
  readonly id: string;
  readonly user: Readonly<Record<string, unknown>>;
  readonly passes: readonly FilePass[];
  readonly faults: readonly RowFault[];
  readonly rowCount: number;
}

export interface FilePass {
  readonly line: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** What may stand once in a file: a card, a PIN. */
  readonly once?: { readonly column: PeopleColumn; readonly what: string };
}

const limitColumns = ["starts", "ends", "uses", "pass_traits", "pass_active"] as const;

type Cells = ReadonlyMap<PeopleColumn, string>;

/** The people of a file, each with all the rows below one another that are theirs. */
export async function* filePeople(
  file: string,
  { zone, read }: { readonly zone: string; readonly read?: (bytes: number) => void },
): AsyncGenerator<FilePerson, void> {
  let head: readonly PeopleColumn[] | undefined;
  let draft: PersonDraft | undefined;
  for await (const row of csvRows(file, read)) {
    if (head === undefined) {
      head = readHead(file, row);
      continue;
    }
    const { line, cells, fault } = cellsOf(row, head);
    const id = cells.get("user") ?? "";
    if (draft !== undefined && (fault !== undefined || draft.id !== id)) {
      yield draft.person();
      draft = undefined;
    }
    draft ??= new PersonDraft({ line, id, zone, cells });
    draft.add(line, cells, fault);
  }
  if (head === undefined) throw new CommandFailed(2, `${file}: expected a head of column names`);
  if (draft !== undefined) yield draft.person();
}

function readHead(file: string, row: CsvRow): readonly PeopleColumn[] {
  const known: readonly string[] = peopleColumns;
  const names = row.cells.map((name) => name.trim().toLowerCase());
  const columns = names.filter((name): name is PeopleColumn => known.includes(name));
  const odd = names.find((name, at) => !known.includes(name) || names.indexOf(name) < at);
  if (odd === undefined && columns.includes("user")) return columns;
  const what = odd === undefined ? "a column user" : `columns of ${known.join(", ")}, each once`;
  const found = odd === undefined ? "" : `, found ${JSON.stringify(odd)}`;
  throw new CommandFailed(2, `${file}:${row.line}: expected ${what}${found}`);
}

function cellsOf(row: CsvRow, head: readonly PeopleColumn[]) {
  const { line, cells } = row;
  const none: Cells = new Map();
  const wrong = (expected: string) => ({ line, column: "", expected }) as const;
  if (cells.length !== head.length) {
    const fault = wrong(`expected ${head.length} cells, as the head has, found ${cells.length}`);
    return { line, cells: none, fault };
  }
  const named = new Map(
    head.map((column, at) => [column, unguardFormula((cells[at] ?? "").trim())]),
  );
  // What the reader puts for bytes that are no UTF-8.
  const odd = head.find((column) => named.get(column)?.includes("\uFFFD") === true);
  if (odd === undefined) return { line, cells: named, fault: undefined };
  return { line, cells: named, fault: { line, column: odd, expected: "expected text in UTF-8" } };
}

class PersonDraft {
  readonly id: string;
  readonly #line: number;
  readonly #zone: string;
  readonly #first: Cells;
  readonly #faults: RowFault[] = [];
  readonly #passes: FilePass[] = [];
  #rowCount = 0;

  constructor(of: {
    readonly line: number;
    readonly id: string;
    readonly zone: string;
    readonly cells: Cells;
  }) {
    this.id = of.id;
    this.#line = of.line;
    this.#zone = of.zone;
    this.#first = of.cells;
  }

  add(line: number, cells: Cells, fault: RowFault | undefined): void {
    this.#rowCount += 1;
    if (fault !== undefined) {
      this.#faults.push(fault);
      return;
    }
    for (const column of this.#rowCount === 1 ? [] : userColumns) {
      const said = cells.get(column) ?? "";
      if (said === "" || said === this.#first.get(column)) continue;
      const expected = `expected what line ${this.#line} says of the user, or nothing`;
      this.#faults.push({ line, column, expected });
    }
    const reading = new CellReading({ line, cells, zone: this.#zone, faults: this.#faults });
    this.#passes.push(...passesOf(reading, this.id));
  }

  person(): FilePerson {
    const cells = this.#first;
    const line = this.#line;
    const reading = new CellReading({ line, cells, zone: this.#zone, faults: this.#faults });
    return {
      line,
      id: this.id,
      user: cells.size === 0 ? {} : userOf(reading, this.id),
      passes: this.#passes,
      faults: this.#faults,
      rowCount: this.#rowCount,
    };
  }
}

/** Reads the cells of one row, and notes what is wrong with them. */
class CellReading {
  readonly line: number;
  readonly #cells: Cells;
  readonly #zone: string;
  readonly #faults: RowFault[];

  constructor(of: {
    readonly line: number;
    readonly cells: Cells;
    readonly zone: string;
    readonly faults: RowFault[];
  }) {
    this.line = of.line;
    this.#cells = of.cells;
    this.#zone = of.zone;
    this.#faults = of.faults;
  }

  text(column: PeopleColumn): string | undefined {
    return this.#cells.get(column);
  }

  refuse(column: PeopleColumn, expected: string): void {
    this.#faults.push({ line: this.line, column, expected: `expected ${expected}` });
  }

  /** Nothing where the file has no such column; else what `read` makes of the cell. */
  part(column: PeopleColumn, field: string, read: (cell: string) => unknown): object {
    const cell = this.#cells.get(column);
    if (cell === undefined) return {};
    const value = read(cell);
    return value === undefined ? {} : { [field]: value };
  }

  readonly orNull = (cell: string): string | null => (cell === "" ? null : cell);
  readonly orNothing = (cell: string): string | undefined => (cell === "" ? undefined : cell);
  readonly list = (cell: string): readonly string[] =>
    cell
      .split(listSeparator)
      .map((item) => item.trim())
      .filter((item) => item !== "");

  flag(column: PeopleColumn, whenEmpty: boolean): (cell: string) => boolean | undefined {
    return (cell) => {
      if (cell === "") return whenEmpty;
      if (/^(?:yes|true|1)$/i.test(cell)) return true;
      if (/^(?:no|false|0)$/i.test(cell)) return false;
      this.refuse(column, "yes or no");
      return undefined;
    };
  }

  moment(column: PeopleColumn, edge: "start" | "end"): (cell: string) => string | null | undefined {
    return (cell) => {
      if (cell === "") return null;
      const read = readSiteMoment(cell, { zone: this.#zone, edge });
      if (read.ok) return read.value;
      this.refuse(column, read.fault);
      return undefined;
    };
  }

  count(column: PeopleColumn): (cell: string) => number | null | undefined {
    return (cell) => {
      if (cell === "") return null;
      if (/^[0-9]{1,15}$/.test(cell)) return Number(cell);
      this.refuse(column, "a whole number from 1");
      return undefined;
    };
  }
}

function userOf(reading: CellReading, id: string): Readonly<Record<string, unknown>> {
  return {
    id,
    ...reading.part("name", "full_name", reading.orNothing),
    ...reading.part("email", "email_address", reading.orNull),
    ...reading.part("phone", "phone_number", reading.orNull),
    ...reading.part("suspended", "is_suspended", reading.flag("suspended", false)),
    ...reading.part("user_starts", "starts_at", reading.moment("user_starts", "start")),
    ...reading.part("user_ends", "ends_at", reading.moment("user_ends", "end")),
    ...reading.part("user_traits", "traits", reading.list),
    ...reading.part("groups", "access_groups", reading.list),
  };
}

function passesOf(reading: CellReading, user: string): readonly FilePass[] {
  const format = reading.text("card_format") ?? "";
  const number = reading.text("card_number") ?? "";
  const pin = reading.text("pin") ?? "";
  const limits = {
    ...reading.part("starts", "starts_at", reading.moment("starts", "start")),
    ...reading.part("ends", "ends_at", reading.moment("ends", "end")),
    ...reading.part("uses", "uses", reading.count("uses")),
    ...reading.part("pass_traits", "traits", reading.list),
    ...reading.part("pass_active", "active", reading.flag("pass_active", true)),
  };
  const { line } = reading;
  const passes: FilePass[] = [];
  if (format !== "" || number !== "") {
    const once = { column: "card_number", what: cardKey(format, number) } as const;
    const body = {
      ...(format !== "" && { card_format: format }),
      ...(number !== "" && { card_number: number }),
      ...limits,
    };
    passes.push({ line, body, once });
  }
  if (pin !== "") {
    const once = { column: "pin", what: `PIN ${pin}` } as const;
    const isDrawn = pin === "random";
    passes.push({ line, body: { code: pin, ...limits }, ...(!isDrawn && { once }) });
  }
  if (passes.length > 0 || user === "") return passes;
  const stray = limitColumns.find((column) => (reading.text(column) ?? "") !== "");
  if (stray !== undefined) reading.refuse(stray, "a card or a PIN in this row, which it is of");
  return passes;
}

/** The same for `12:34567` and `012:34567`, which are one card. */
function cardKey(format: string, number: string): string {
  const fields = number.split(":").map((field) => field.replace(/^0+(?=\d+$)/, "").toLowerCase());
  return `card ${format} ${fields.join(":")}`;
}
