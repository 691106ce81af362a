import type { KeyPath } from "../protocols/toml/key-path.ts";
import type { TomlReport } from "../protocols/toml/located-toml.ts";
import { reportRepeats, reportUnknownName } from "../protocols/toml/reference-checks.ts";

/** A list of references: each leads to something of the file, and stands there once. */
export function reportUnknownNames(
  report: TomlReport,
  references: {
    readonly named: readonly (readonly [path: KeyPath, name: string])[];
    readonly what: string;
    readonly known: ReadonlySet<string>;
  },
): void {
  const { named, what, known } = references;
  reportRepeats(report, `each ${what} once`, named);
  for (const [path, name] of named) reportUnknownName(report, { path, what, name, known });
}
