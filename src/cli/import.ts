import { statSync } from "node:fs";
import { failureCode } from "../domain/failure-code.ts";
import { type DrawnPins, openDrawnPins } from "./drawn-pins-file.ts";
import { type ImportCounts, ImportSender } from "./import-sender.ts";
import { type FilePerson, filePeople, type RowFault } from "./people-file.ts";
import { ProgressBar } from "./progress-bar.ts";
import type { SiteClient } from "./site-client.ts";
import { siteZone } from "./site-moment.ts";
import { CommandFailed, type Terminal } from "./terminal.ts";
import { printable } from "./text-table.ts";

export interface ImportOptions {
  readonly client: SiteClient;
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly file: string;
  readonly run: "dry" | "write";
  /** What becomes of the others where a row is wrong. */
  readonly whenBad: "stop" | "skip";
  /** Where drawn PINs are written. */
  readonly pinsFile?: string;
  /** Whether a person looks on, for whom a bar is drawn. */
  readonly progress: "shown" | "hidden";
}

/** So many people go into one question, and into one change, for which others wait. */
const peopleAtOnce = 500;
/** So many faults are told one by one. */
const faultsToldMax = 1_000;

/**
 * Makes the people of a CSV file the site's. All of it is looked at first, by the site too, and where
 * anything is wrong nothing is written. Throws `CommandFailed`.
 */
export async function importPeople(options: ImportOptions): Promise<void> {
  const { client, terminal, file, run, whenBad } = options;
  const before = fileMark(file);
  const zone = await siteZone(client);
  const checked = await check(options, zone);
  const { faults, bad } = checked;
  if (faults.length > 0) tellFaults(terminal, file, faults);
  if (bad.size > 0 && (whenBad === "stop" || run === "dry")) {
    if (options.json) tellResult(options, checked);
    const how = whenBad === "stop" ? " (--skip-bad imports the others)" : "";
    const message = `${bad.size} of ${checked.people} users are wrong: nothing was changed${how}`;
    throw new CommandFailed(1, message);
  }
  if (run === "dry") return tellResult(options, checked);
  if (checked.drawn > 0 && options.pinsFile === undefined) {
    const expected = "expected --pins FILE: a PIN that is drawn is told once";
    throw new CommandFailed(2, `${expected}; nothing was changed`);
  }
  if (fileMark(file) !== before) {
    throw new CommandFailed(1, `${file}: was changed while it was read; nothing was imported`);
  }
  const pins = options.pinsFile === undefined ? undefined : openDrawnPins(options.pinsFile);
  try {
    const counts = await write(options, { zone, bad, pins });
    tellResult(options, { ...checked, ...counts });
  } finally {
    pins?.close();
  }
}

interface Checked extends ImportCounts {
  readonly faults: readonly RowFault[];
  /** Users with whom anything is wrong, by the line on which they begin. */
  readonly bad: ReadonlySet<number>;
  readonly people: number;
  /** PINs to be drawn, at most. */
  readonly drawn: number;
}

async function check(options: ImportOptions, zone: string): Promise<Checked> {
  const { client, file } = options;
  const bar = barOf(options, "checking");
  const faults: RowFault[] = [];
  const bad = new Set<number>();
  const onceOnly = new OnceOnly();
  const refuse = (person: FilePerson, found: readonly RowFault[]) => {
    if (found.length > 0) bad.add(person.line);
    for (const fault of found) faults.push(fault);
  };
  const sender = new ImportSender({ client, atOnce: peopleAtOnce, run: "dry", refuse });
  let people = 0;
  let drawn = 0;
  try {
    for await (const person of filePeople(file, { zone, read: bar.at })) {
      people += 1;
      drawn += person.passes.filter(({ body }) => body["code"] === "random").length;
      const repeated = onceOnly.faultsOf(person);
      refuse(person, [...person.faults, ...repeated]);
      // The site may know more that is wrong, of as much as could be read.
      if (repeated.length === 0 && "id" in person.user) await sender.add(person);
      bar.count(people);
    }
    await sender.flush();
  } catch (error) {
    tellFaults(options.terminal, file, faults);
    throw error;
  } finally {
    bar.end();
    faults.sort((one, other) => one.line - other.line);
  }
  return { faults, bad, people, drawn, ...sender.counts };
}

async function write(
  options: ImportOptions,
  parts: {
    readonly zone: string;
    readonly bad: ReadonlySet<number>;
    readonly pins: DrawnPins | undefined;
  },
): Promise<ImportCounts> {
  const { client, file, terminal } = options;
  const { zone, bad, pins } = parts;
  const bar = barOf(options, "importing");
  const sender = new ImportSender({
    client,
    atOnce: peopleAtOnce,
    run: "write",
    refuse: (_person, found) => tellFaults(terminal, file, found),
    drawn: (codes) => pins?.add(codes),
  });
  let people = 0;
  try {
    for await (const person of filePeople(file, { zone, read: bar.at })) {
      people += 1;
      if (!bad.has(person.line)) await sender.add(person);
      bar.count(people);
    }
    await sender.flush();
  } catch (error) {
    await sender.settled();
    bar.end();
    const done = `${sender.sent} users were imported before; the file can be imported again`;
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(1, `stopped: ${why}\n${done}`);
  }
  bar.end();
  return sender.counts;
}

/** Cards, PINs and users that a whole file may have once, which the site sees parts of. */
class OnceOnly {
  readonly #lines = new Map<string, number>();

  faultsOf({ id, line, passes }: FilePerson): readonly RowFault[] {
    const faults: RowFault[] = [];
    const note = (what: string, at: Pick<RowFault, "line" | "column">, expected: string) => {
      const known = this.#lines.get(what);
      if (known === undefined) this.#lines.set(what, at.line);
      else faults.push({ ...at, expected: `expected ${expected}, line ${known} has it` });
    };
    const apart = "all rows of a user below one another";
    if (id !== "") note(`user ${id}`, { line, column: "user" }, apart);
    for (const { line: at, once } of passes) {
      if (once === undefined) continue;
      note(once.what, { line: at, column: once.column }, "one that no other row has");
    }
    return faults;
  }
}

function barOf({ file, progress, terminal }: ImportOptions, verb: string): ProgressBar {
  return new ProgressBar({ verb, total: sizeOf(file), draw: progress, out: terminal.err });
}

function tellFaults(terminal: Terminal, file: string, faults: readonly RowFault[]): void {
  const lines = faults.slice(0, faultsToldMax).map(({ line, column, expected }) => {
    const where = column === "" ? "" : ` ${column}:`;
    return `${printable(`${file}:${line}:${where} ${expected}`)}\n`;
  });
  const left = faults.length - faultsToldMax;
  terminal.err(lines.join("") + (left > 0 ? `and ${left} more faults\n` : ""));
}

function tellResult(options: ImportOptions, result: Checked): void {
  const { terminal, json, run } = options;
  const { users, passes, faults, bad, people } = result;
  if (json) {
    const told = { dry_run: run === "dry", users, passes, skipped: bad.size, faults };
    return terminal.out(`${JSON.stringify(told, undefined, 2)}\n`);
  }
  const of = ({ created, changed, unchanged }: ImportCounts["users"]) =>
    `${created} new, ${changed} changed, ${unchanged} as they were`;
  const lines = [
    run === "dry" ? `${people} users checked; nothing was changed. It would be:` : undefined,
    `users: ${of(users)}`,
    `passes: ${of(passes)}`,
    bad.size > 0 ? `${bad.size} users were left out` : undefined,
  ];
  terminal.out(lines.flatMap((line) => (line === undefined ? [] : `${line}\n`)).join(""));
}

function fileMark(file: string): string {
  const { ino, size, mtimeMs } = stat(file);
  return `${ino} ${size} ${mtimeMs}`;
}

const sizeOf = (file: string): number => stat(file).size;

function stat(file: string) {
  try {
    const found = statSync(file);
    if (found.isFile()) return found;
  } catch (error) {
    throw new CommandFailed(1, `${file}: cannot be read: ${failureCode(error)}`);
  }
  throw new CommandFailed(1, `${file}: expected a file: it is read twice`);
}
