import { describeKeyPath, type KeyPath } from "./key-path.ts";
import type { TomlReport } from "./located-toml.ts";
import { nearestWord } from "./nearest-word.ts";

/**
 * Names both places where one text stands that may stand only once: the later one at fault, the
 * earlier one in what was found.
 */
export function reportRepeats(
  report: TomlReport,
  expected: string,
  uses: readonly (readonly [path: KeyPath, text: string])[],
): void {
  const first = new Map<string, KeyPath>();
  for (const [path, text] of uses) {
    const earlier = first.get(text);
    if (earlier === undefined) first.set(text, path);
    else {
      const place = `${describeKeyPath(earlier)} at ${report.place(earlier)}`;
      report.fault(path, expected, `${report.describe(path)}, the same as ${place}`);
    }
  }
}

/** Beyond so many names the nearest is not looked for, as every line may name one that is wrong. */
const hintNamesMax = 500;

/** A reference by name to something of the same file. */
export function reportUnknownName(
  report: TomlReport,
  reference: {
    readonly path: KeyPath;
    readonly what: string;
    readonly name: string;
    readonly known: ReadonlySet<string>;
  },
): void {
  const { path, what, name, known } = reference;
  if (known.has(name)) return;
  const nearest = known.size > hintNamesMax ? undefined : nearestWord(name, [...known]);
  const hint = nearest === undefined ? "" : ` (did you mean "${nearest}"?)`;
  // Thousands of users on one line would help nobody.
  const few = known.size <= 12 ? `: ${[...known].join(", ")}` : "";
  // A user begins with no vowel to the ear.
  const article = /^[aeio]/.test(what) ? "an" : "a";
  report.fault(path, `${article} ${what} of this file${few}${hint}`);
}
