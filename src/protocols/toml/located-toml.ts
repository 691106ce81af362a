import { parse, TomlDate, TomlError } from "smol-toml";
import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { type KeyLines, locateKeys } from "./key-lines.ts";
import { describeKeyPath, type KeyPath, valueAt } from "./key-path.ts";
import { nearestWord } from "./nearest-word.ts";
import { quotedText } from "./quoted-text.ts";
import type { TomlFault } from "./toml-fault.ts";
import { isTable } from "./toml-schema.ts";

export interface TomlSource {
  /** For messages only: nothing here opens it. */
  readonly file: string;
  readonly text: string;
}

/** How a check that looks across keys says what it found. */
export interface TomlReport {
  /** `found` where more is to be said than the value that stands at `path`. */
  fault(path: KeyPath, expected: string, found?: string): void;
  /** `config/boards/sim.toml:12`, to name a second place in `found`. */
  place(path: KeyPath): string;
  /** The value there as a message may show it. */
  describe(path: KeyPath): string;
}

export interface TomlReading<Schema extends v.GenericSchema, Built> extends TomlSource {
  readonly schema: Schema;
  /** Where a value stands that no message may show. */
  readonly isSecret?: (path: KeyPath) => boolean;
  /**
   * Makes what the file means, and looks across keys. It is called when every value has its type,
   * though it may be out of its bounds, so that one look at a file tells as much as can be told.
   * What it makes is dropped when there is any fault.
   */
  readonly build: (value: v.InferOutput<Schema>, report: TomlReport) => Built;
}

/** Our files are a few levels deep; the parser's own limit would let a file exhaust the stack. */
const depthMax = 32;

/**
 * TOML from outside as what `build` makes of it, or everything that is wrong with it, in the order
 * of its lines. Never throws, whatever the text.
 */
export function readToml<const Schema extends v.GenericSchema, Built>(
  reading: TomlReading<Schema, Built>,
): Result<Built, readonly TomlFault[]> {
  const parsed = parseToml(reading);
  if (!parsed.ok) return fail([parsed.fault]);
  const faults = new FaultList(reading, parsed.value);
  for (const path of unknownKeys(reading.schema, parsed.value, [])) {
    faults.unknownKey(path, reading.schema);
  }
  const result = v.safeParse(reading.schema, parsed.value);
  for (const issue of result.issues ?? []) {
    faults.fault(issuePath(issue), issue.message);
  }
  if (!result.typed) return fail(faults.inOrder());
  const built = reading.build(result.output, faults);
  const found = faults.inOrder();
  return found.length === 0 ? succeed(built) : fail(found);
}

function parseToml(source: TomlSource): Result<unknown, TomlFault> {
  try {
    return succeed(parse(source.text, { unsafeKeyBehaviour: "throw", maxDepth: depthMax }));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // What follows the first line quotes the text, in which a secret may stand.
    const [what = ""] = error.message.replace("Invalid TOML document: ", "").split("\n");
    return fail({
      file: source.file,
      line: error.line,
      column: error.column,
      key: "",
      expected: "valid TOML",
      found: `a fault: ${what}`,
    });
  }
}

/** What telling a fault needs of a reading. */
interface FaultSource extends TomlSource {
  readonly isSecret?: (path: KeyPath) => boolean;
}

class FaultList implements TomlReport {
  private readonly source: FaultSource;
  private readonly root: unknown;
  private lines: KeyLines | undefined;
  private readonly faults: TomlFault[] = [];

  constructor(source: FaultSource, root: unknown) {
    this.source = source;
    this.root = root;
  }

  fault(path: KeyPath, expected: string, found?: string): void {
    this.faults.push({
      file: this.source.file,
      line: this.lineOf(path),
      key: describeKeyPath(path),
      expected,
      found: found ?? this.describe(path),
    });
  }

  place(path: KeyPath): string {
    return `${this.source.file}:${this.lineOf(path)}`;
  }

  unknownKey(path: KeyPath, schema: v.GenericSchema): void {
    const typed = String(path.at(-1));
    const table = path.slice(0, -1);
    const known = knownKeys(schema, table);
    // A key that is there already is hardly what was meant.
    const nearest = nearestWord(
      typed,
      known.filter((key) => valueAt(this.root, [...table, key]) === undefined),
    );
    const hint = nearest === undefined ? "" : ` (did you mean "${nearest}"?)`;
    this.fault(path, `one of the keys ${known.join(", ")}${hint}`, `the key ${quotedText(typed)}`);
  }

  inOrder(): readonly TomlFault[] {
    return this.faults.toSorted((one, other) => one.line - other.line);
  }

  describe(path: KeyPath): string {
    const value = valueAt(this.root, path);
    const isSecret = this.source.isSecret?.(path) ?? false;
    if (typeof value === "string") {
      if (isSecret) return "a text that is not shown";
      return quotedText(value);
    }
    if (typeof value === "number") return isSecret ? "a number that is not shown" : String(value);
    if (typeof value === "boolean") return String(value);
    if (value instanceof TomlDate)
      return isSecret ? "a date that is not shown" : value.toISOString();
    if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
    return value === undefined ? "nothing" : "a table";
  }

  /** A file without faults, however large, is never scanned for its lines. */
  private lineOf(path: KeyPath): number {
    this.lines ??= locateKeys(this.source.text);
    return this.lines.lineOf(path);
  }
}

function issuePath(issue: v.BaseIssue<unknown>): KeyPath {
  return (issue.path ?? []).map((item) =>
    typeof item.key === "number" ? item.key : String(item.key),
  );
}

/** The parts of a valibot schema that matter for which keys may stand where. */
interface SchemaParts {
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  /** Of a table that takes any other key as well. */
  readonly rest?: v.GenericSchema;
  readonly item?: v.GenericSchema;
  readonly wrapped?: v.GenericSchema;
  readonly pipe?: readonly v.GenericSchema[];
}

/** What a schema is made of: itself, or what it wraps or pipes through. */
function* partsOf(schema: v.GenericSchema): Generator<SchemaParts> {
  const parts = schema as SchemaParts;
  if (parts.pipe !== undefined) for (const part of parts.pipe) yield* partsOf(part);
  else if (parts.wrapped !== undefined) yield* partsOf(parts.wrapped);
  else yield parts;
}

function* unknownKeys(schema: v.GenericSchema, value: unknown, path: KeyPath): Generator<KeyPath> {
  for (const { entries, rest, item } of partsOf(schema)) {
    if (item !== undefined && Array.isArray(value)) {
      for (const [index, element] of value.entries()) {
        yield* unknownKeys(item, element, [...path, index]);
      }
    }
    if (entries === undefined || !isTable(value)) continue;
    for (const [key, element] of Object.entries(value)) {
      const entry = Object.hasOwn(entries, key) ? entries[key] : undefined;
      if (entry !== undefined) yield* unknownKeys(entry, element, [...path, key]);
      else if (rest === undefined) yield [...path, key];
    }
  }
}

function knownKeys(schema: v.GenericSchema, path: KeyPath): readonly string[] {
  let schemas = [schema];
  for (const part of path) {
    schemas = schemas.flatMap((one) =>
      [...partsOf(one)].flatMap(({ entries, item }) => {
        const next = typeof part === "number" ? item : entries?.[part];
        return next === undefined ? [] : [next];
      }),
    );
  }
  return schemas.flatMap((one) =>
    [...partsOf(one)].flatMap(({ entries }) => Object.keys(entries ?? {})),
  );
}
