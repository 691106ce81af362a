export interface Tally {
  readonly passedCount: number;
  readonly failedCount: number;
  readonly skips: readonly Skip[];
}

export interface Skip {
  readonly file: string;
  readonly name: string;
  readonly reason: string;
}

export interface FileOutcome {
  readonly file: string;
  readonly passedCount: number;
  readonly failures: readonly Failure[];
  readonly skips: readonly Skip[];
  readonly seconds: number;
  /** What the file printed beside its results: a seed, above all. */
  readonly remarks: readonly string[];
}

export interface Failure {
  /** From the test down to the assertion. */
  readonly path: readonly string[];
  /** tap's own account of it. */
  readonly details: readonly string[];
}

interface OpenFile {
  readonly file: string;
  passedCount: number;
  readonly failures: OpenFailure[];
  readonly skips: Skip[];
  readonly remarks: string[];
}

interface OpenFailure extends Failure {
  readonly details: string[];
}

interface Point {
  readonly depth: number;
  readonly passed: boolean;
  readonly name: string;
  readonly directive: string | undefined;
  readonly reason: string;
  readonly ms: number;
}

const pointPattern = /^((?: {4})*)(not )?ok \d+(?: - )?(.*)$/;
const subtestPattern = /^((?: {4})*)# Subtest: (.*)$/;
const remarksMax = 40;

/**
 * Counts what `tap --reporter=tap` prints, line by line. What is counted is what has a name: the tests
 * directly in a file, each one passed or failed however many assertions it makes, and every skip.
 */
export class TapTally {
  #passedCount = 0;
  #failedCount = 0;
  readonly #skips: Skip[] = [];
  #open: OpenFile | undefined;
  /** Names of the open subtests, by depth; a file's is at 0. */
  readonly #names: string[] = [];
  #details: { readonly indent: string; readonly lines: string[] } | undefined;
  #detailsIndentNext: string | undefined;
  #detailsOwner: OpenFailure | undefined;
  /** Ended, and its details, which say why it failed, still to come. */
  #ended: FileOutcome | undefined;

  get tally(): Tally {
    return {
      passedCount: this.#passedCount,
      failedCount: this.#failedCount,
      skips: this.#skips,
    };
  }

  /** Returns a file's outcome with the line that ends it. */
  line(text: string): FileOutcome | undefined {
    if (this.#takesDetails(text))
      return this.#details === undefined ? this.#takeEnded() : undefined;
    const point = parsePoint(text);
    if (point !== undefined) return this.#point(point);
    const subtest = subtestPattern.exec(text);
    if (subtest !== null) {
      const depth = (subtest[1] ?? "").length / 4;
      this.#names.length = depth;
      this.#names[depth] = unescaped(subtest[2] ?? "");
      if (depth === 0) this.#open = openFile(this.#names[0] ?? "");
      return undefined;
    }
    if (/^\s*Bail out!/.test(text)) this.#failedCount += 1;
    const remark = text.trim();
    if (remark !== "" && !/^(# time=|\d+\.\.\d+|TAP version)/.test(remark)) {
      if (this.#open !== undefined && this.#open.remarks.length < remarksMax) {
        this.#open.remarks.push(remark.replace(/^# /, ""));
      }
    }
    return undefined;
  }

  /** A test's own output may look like a result: what stands between `---` and `...` is not one. */
  #takesDetails(text: string): boolean {
    if (this.#details !== undefined) {
      if (text === `${this.#details.indent}...`) this.#details = undefined;
      else this.#details.lines.push(text.slice(this.#details.indent.length));
      return true;
    }
    const indent = this.#detailsIndentNext;
    this.#detailsIndentNext = undefined;
    if (indent === undefined || text !== `${indent}---`) return false;
    const lines = this.#detailsOwner?.details ?? [];
    this.#details = { indent, lines };
    return true;
  }

  #point(point: Point): FileOutcome | undefined {
    this.#detailsIndentNext = `${" ".repeat(point.depth * 4)}  `;
    this.#detailsOwner = undefined;
    const open = this.#open ?? openFile(point.name);
    const path = [...this.#names.slice(1, point.depth), point.name];
    if (point.directive === "SKIP") {
      open.skips.push({ file: open.file, name: path.join(" > "), reason: point.reason });
    } else if (point.depth === 0) {
      // A file can fail with all its tests passed: exit code, time-out, no test at all.
      if (!point.passed && open.failures.length === 0) this.#fail(open, ["the file itself"]);
    } else {
      const passed = point.passed || point.directive === "TODO";
      if (point.depth === 1 && passed) open.passedCount += 1;
      if (point.depth === 1 && !passed) this.#failedCount += 1;
      // Of a failed test and the assertion in it, the assertion came first and says more.
      if (!passed && !open.failures.some((failure) => startsWith(failure.path, path))) {
        this.#addFailure(open, path);
      }
    }
    if (point.depth > 0) return undefined;
    const outcome = this.#close(open, point.ms);
    if (this.#detailsOwner === undefined) return outcome;
    this.#ended = outcome;
    return undefined;
  }

  #takeEnded(): FileOutcome | undefined {
    const ended = this.#ended;
    this.#ended = undefined;
    return ended;
  }

  #fail(open: OpenFile, path: readonly string[]): void {
    this.#failedCount += 1;
    this.#addFailure(open, path);
  }

  #addFailure(open: OpenFile, path: readonly string[]): void {
    this.#detailsOwner = { path, details: [] };
    open.failures.push(this.#detailsOwner);
  }

  #close(open: OpenFile, ms: number): FileOutcome {
    this.#open = undefined;
    this.#names.length = 0;
    this.#passedCount += open.passedCount;
    this.#skips.push(...open.skips);
    return { ...open, seconds: ms / 1000 };
  }
}

function openFile(file: string): OpenFile {
  return { file, passedCount: 0, failures: [], skips: [], remarks: [] };
}

function parsePoint(text: string): Point | undefined {
  const match = pointPattern.exec(text);
  if (match === null) return undefined;
  const [whole, timed] = splitOff(match[3] ?? "", / # time=([0-9.]+)(ms|s)\b.*$/);
  const [name, directive] = splitOff(whole, / # (SKIP|TODO)\b ?(.*)$/i);
  return {
    depth: (match[1] ?? "").length / 4,
    passed: match[2] === undefined,
    name: unescaped(name),
    directive: directive?.[1]?.toUpperCase(),
    reason: unescaped(directive?.[2] ?? "").trim(),
    ms: Number(timed?.[1] ?? 0) * (timed?.[2] === "s" ? 1000 : 1),
  };
}

function splitOff(text: string, pattern: RegExp): [string, RegExpExecArray | undefined] {
  const match = pattern.exec(text);
  return match === null ? [text, undefined] : [text.slice(0, match.index), match];
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((name, index) => path[index] === name);
}

/** TAP 14 escapes `#` and the backslash in descriptions. */
function unescaped(text: string): string {
  return text.replace(/\\([\\#])/g, "$1");
}

/** The line that a person, and CI, read last. */
export function totalLine(tally: Totals): string {
  const skipped = tally.skippedCount > 0 ? `, ${tally.skippedCount} skipped` : "";
  return `${tally.passedCount} passed, ${tally.failedCount} failed${skipped}`;
}

export interface Totals {
  readonly passedCount: number;
  readonly failedCount: number;
  readonly skippedCount: number;
}

/** The last total in what a command printed. */
export function parseTotalLine(output: string): Totals | undefined {
  const matches = output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm);
  const last = [...matches].at(-1);
  if (last === undefined) return undefined;
  return {
    passedCount: Number(last[1]),
    failedCount: Number(last[2]),
    skippedCount: Number(last[3] ?? 0),
  };
}
