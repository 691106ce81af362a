import { parse } from "smol-toml";
import type { KeyPath } from "./key-path.ts";

export interface KeyLines {
  /** From 1. The line of the nearest key around it where `path` itself stands nowhere. */
  lineOf(path: KeyPath): number;
}

/**
 * The line of every key, header and list element of a text that a TOML parser has already accepted:
 * the parser tells values but not places. A light scan: it looks for where strings, lists and
 * tables begin and end, and relies on that acceptance for everything else.
 */
export function locateKeys(text: string): KeyLines {
  const scan = new KeyScan(text);
  scan.document();
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
    lineStarts.push(at + 1);
  }
  return {
    lineOf: (path) => {
      for (let length = path.length; length > 0; length -= 1) {
        const offset = scan.offsets.get(pathText(path.slice(0, length)));
        if (offset !== undefined) return lineAt(offset, lineStarts);
      }
      return 1;
    },
  };
}

/** How many lines start at or before `offset`. A large file may have a fault on every line. */
function lineAt(offset: number, lineStarts: readonly number[]): number {
  let [below, above] = [0, lineStarts.length];
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if ((lineStarts[middle] ?? 0) <= offset) below = middle;
    else above = middle;
  }
  return above;
}

const pathText = (path: KeyPath): string => JSON.stringify(path);

class KeyScan {
  readonly offsets = new Map<string, number>();
  private readonly text: string;
  private at = 0;
  /** How many elements each list of `[[…]]` headers has so far. */
  private readonly elementCounts = new Map<string, number>();

  constructor(text: string) {
    this.text = text;
  }

  document(): void {
    let table: KeyPath = [];
    for (;;) {
      this.skip(/\s/);
      if (this.at >= this.text.length) return;
      const before = this.at;
      if (this.peek() === "[") table = this.header();
      else this.pair(table);
      // No accepted text stands still here; a mistake of this scan must not hang the start.
      if (this.at === before) this.at += 1;
    }
  }

  /** `[a.b]` or `[[a.b]]`; answers with the path that the pairs below it belong to. */
  private header(): KeyPath {
    const start = this.at;
    const isElement = this.text.startsWith("[[", start);
    this.at += isElement ? 2 : 1;
    const keys = this.key();
    this.at += isElement ? 2 : 1;
    let path: KeyPath = [];
    for (const [index, key] of keys.entries()) {
      path = [...path, key];
      const isLast = index === keys.length - 1;
      const count = this.elementCounts.get(pathText(path)) ?? 0;
      if (isLast && isElement) {
        this.note(path, start);
        this.elementCounts.set(pathText(path), count + 1);
        path = [...path, count];
      } else if (count > 0) {
        // `[readers.red]` below `[[readers]]` speaks of the reader that came last.
        path = [...path, count - 1];
      }
      // A table's own header tells its place better than one that merely implied it before.
      if (isLast) this.offsets.set(pathText(path), start);
      else this.note(path, start);
    }
    return path;
  }

  private pair(table: KeyPath): void {
    const start = this.at;
    let path = table;
    for (const key of this.key()) {
      path = [...path, key];
      this.note(path, start);
    }
    if (this.peek() === "=") this.at += 1;
    this.value(path);
  }

  private value(path: KeyPath): void {
    this.skip(/[ \t]/);
    const first = this.peek();
    if (first === '"' || first === "'") this.string(first);
    else if (first === "[") this.list(path);
    else if (first === "{") this.inlineTable(path);
    else while (this.at < this.text.length && !/[,\]}\n#]/.test(this.peek())) this.at += 1;
  }

  private list(path: KeyPath): void {
    this.at += 1;
    for (let index = 0; this.at < this.text.length; index += 1) {
      this.skip(/[\s,]/);
      if (this.peek() === "]") break;
      const before = this.at;
      this.note([...path, index], before);
      this.value([...path, index]);
      if (this.at === before) this.at += 1;
    }
    this.at += 1;
  }

  private inlineTable(path: KeyPath): void {
    this.at += 1;
    while (this.at < this.text.length) {
      this.skip(/[\s,]/);
      if (this.peek() === "}") break;
      const before = this.at;
      this.pair(path);
      if (this.at === before) this.at += 1;
    }
    this.at += 1;
  }

  /** The parts of a dotted key. Stops at the `=` or `]` that ends it. */
  private key(): readonly string[] {
    const keys: string[] = [];
    for (;;) {
      this.skip(/[ \t]/);
      const start = this.at;
      const first = this.peek();
      if (first === '"' || first === "'") {
        this.string(first);
        keys.push(unquote(this.text.slice(start, this.at)));
      } else {
        while (/[A-Za-z0-9_-]/.test(this.peek())) this.at += 1;
        keys.push(this.text.slice(start, this.at));
      }
      this.skip(/[ \t]/);
      if (this.peek() !== ".") return keys;
      this.at += 1;
    }
  }

  /** Past the end of the string that begins here, of one line or of many. */
  private string(quote: '"' | "'"): void {
    const isMultiLine = this.text.startsWith(quote.repeat(3), this.at);
    const end = isMultiLine ? quote.repeat(3) : quote;
    this.at += end.length;
    while (this.at < this.text.length && !this.text.startsWith(end, this.at)) {
      this.at += quote === '"' && this.peek() === "\\" ? 2 : 1;
    }
    this.at += end.length;
    // Up to two quotation marks may stand directly before the three that end the string.
    while (isMultiLine && this.peek() === quote) this.at += 1;
  }

  /** The first mention counts. */
  private note(path: KeyPath, offset: number): void {
    const key = pathText(path);
    if (!this.offsets.has(key)) this.offsets.set(key, offset);
  }

  private peek(): string {
    return this.text.charAt(this.at);
  }

  /** Over what `blank` matches, and over comments. */
  private skip(blank: RegExp): void {
    while (this.at < this.text.length) {
      if (this.peek() === "#") {
        const end = this.text.indexOf("\n", this.at);
        this.at = end === -1 ? this.text.length : end;
      } else if (!blank.test(this.peek())) {
        return;
      } else {
        this.at += 1;
      }
    }
  }
}

/** Escapes in a quoted key are the parser's business. */
function unquote(quoted: string): string {
  return Object.keys(parse(`${quoted} = 0`))[0] ?? quoted;
}
