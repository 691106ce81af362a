import { quotedText } from "./quoted-text.ts";

/** Where a value stands: keys of tables and, from 0, positions in lists. Empty: the whole file. */
export type KeyPath = readonly (string | number)[];

/** As a person would look for it: `readers[0].d0`, quoted where TOML wants quotes. */
export function describeKeyPath(path: KeyPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") {
      text += `[${part}]`;
      continue;
    }
    const key = /^[A-Za-z0-9_-]+$/.test(part) ? part : quotedText(part);
    text += text === "" ? key : `.${key}`;
  }
  return text;
}

/** The value there, or undefined where there is none. */
export function valueAt(root: unknown, path: KeyPath): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) {
      return undefined;
    }
    value = (value as Readonly<Record<string | number, unknown>>)[part];
  }
  return value;
}
