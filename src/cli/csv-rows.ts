import { createReadStream } from "node:fs";
import { CsvError, parse } from "csv-parse";
import { failureCode } from "../domain/failure-code.ts";
import { CommandFailed } from "./terminal.ts";

/** One row of a file, by the line on which it begins: a quoted cell may have several. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/** The longest row that is read; beyond it the file is no list of people. */
const rowBytesMax = 65_536;
/** A first line longer than this is no head. */
const headBytesMax = 4_096;

const sayings: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: "a closing quote",
  CSV_INVALID_CLOSING_QUOTE: "a separator after a closing quote",
  INVALID_OPENING_QUOTE: "a quote at the beginning of its cell, or none",
  CSV_MAX_RECORD_SIZE: `at most ${rowBytesMax} bytes`,
};

/**
 * The rows of a CSV file, one after another, however long it is. `read` is told how many bytes of it
 * have been. Throws `CommandFailed` where it cannot be read, or is no CSV: where a quote is amiss, what
 * follows may be rows or the rest of a cell, and nobody can tell.
 */
export async function* csvRows(
  file: string,
  read: (bytes: number) => void = () => {},
): AsyncGenerator<CsvRow, void> {
  const delimiter = await delimiterOf(file);
  const source = createReadStream(file);
  let lastLine = 0;
  let lastEmpty = 0;
  const parser = parse({
    bom: true,
    delimiter,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: rowBytesMax,
    info: true,
  });
  source.on("error", (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<ReadRow>) {
      read(source.bytesRead);
      const line = lastLine + 1 + info.empty_lines - lastEmpty;
      lastLine = info.lines;
      lastEmpty = info.empty_lines;
      yield { line, cells: record };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw unreadable(file, error);
    const expected = sayings[error.code] ?? "rows of CSV";
    // The parser is ahead of whoever reads.
    const line = Number(error["lines"] ?? lastLine + 1);
    throw new CommandFailed(1, `${file}:${line}: expected ${expected}`);
  } finally {
    source.destroy();
  }
}

interface ReadRow {
  readonly record: readonly string[];
  readonly info: { readonly lines: number; readonly empty_lines: number };
}

/** Spreadsheets of half the world write semicolons, since their numbers have commas. */
async function delimiterOf(file: string): Promise<string> {
  let head = "";
  try {
    for await (const chunk of createReadStream(file, { end: headBytesMax })) head += String(chunk);
  } catch (error) {
    throw unreadable(file, error);
  }
  const [first = ""] = head.split(/\r?\n/, 1);
  return first.includes(";") && !first.includes(",") ? ";" : ",";
}

function unreadable(file: string, error: unknown): CommandFailed {
  return new CommandFailed(1, `${file}: cannot be read: ${failureCode(error)}`);
}
