import { readFileSync } from "node:fs";
import t from "tap";
import type * as v from "valibot";
import { parseBoardProfile } from "../../../../src/compose/config/board-profile-file.ts";
import { boardProfileSchema } from "../../../../src/compose/config/board-profile-schema.ts";
import { controllerConfigSchema } from "../../../../src/compose/config/controller-config.ts";
import { siteConfigSchema } from "../../../../src/compose/config/site-config.ts";
import { siteFileSchema } from "../../../../src/site/site-file-schema.ts";

const readme = readFileSync("config/README.md", "utf8");

interface SchemaParts {
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  readonly item?: v.GenericSchema;
  readonly wrapped?: v.GenericSchema;
  readonly default?: unknown;
  readonly pipe?: readonly v.GenericSchema[];
}

/** A pipe's parts, and those of a pipe that is its beginning. */
function stagesOf(schema: v.GenericSchema): readonly v.GenericSchema[] {
  const { pipe = [] } = schema as SchemaParts;
  const [first, ...rest] = pipe;
  return first === undefined ? [schema] : [...stagesOf(first), ...rest];
}

/** Every key that holds no table, with its default as the file would write it. */
function keysOf(schema: v.GenericSchema, path = "", fallback?: unknown): Map<string, unknown> {
  const parts = schema as SchemaParts;
  if (parts.wrapped !== undefined) return keysOf(parts.wrapped, path, parts.default);
  const stages = stagesOf(schema);
  const entries = stages.map((stage) => (stage as SchemaParts).entries).find(Boolean);
  const item = stages.map((stage) => (stage as SchemaParts).item).find(Boolean);
  if (entries === undefined) {
    const inside = item === undefined ? new Map<string, unknown>() : keysOf(item, path);
    // A list of texts is one key; a list of tables is theirs.
    return inside.size > 1 ? inside : new Map([[path, fallback]]);
  }
  const found = Object.entries(entries).map(([key, entry]) => [
    ...keysOf(entry, path === "" ? key : `${path}.${key}`),
  ]);
  return new Map(found.flat());
}

/** The rows of the section of one file: key and default. */
function rowsOf(section: string): Map<string, string> {
  const [, text = ""] = readme.split(`\n## ${section}\n`);
  const [body = ""] = text.split("\n## ");
  const rows = [...body.matchAll(/^\| `([^`]+)` \|[^|]*\| ([^|]*)\|/gm)];
  return new Map(rows.map(([, key = "", written = ""]) => [key, written.trim()]));
}

const sections = [
  ["controller.toml", controllerConfigSchema],
  ["boards/*.toml", boardProfileSchema],
  ["site.toml", siteConfigSchema],
  ["demo-site.toml", siteFileSchema],
] as const;

for (const [section, schema] of sections) {
  t.test(`README explains each key of ${section}, with its default`, async (t) => {
    const keys = keysOf(schema);
    const rows = rowsOf(section);
    t.ok(keys.size >= 5);
    t.same([...rows.keys()].sort(), [...keys.keys()].sort());
    for (const [key, fallback] of keys) {
      const written = rows.get(key) ?? "";
      const expected = typeof fallback === "string" ? fallback : JSON.stringify(fallback);
      if (fallback !== undefined) t.equal(written, `\`${expected}\``, key);
      else t.notMatch(written, /^`/, `${key} has no default`);
    }
  });
}

t.test("README's example of a format is one", async (t) => {
  const [, example = ""] = /```toml\n(.*?)```/s.exec(readme) ?? [];
  const text = `${example}\n${readFileSync("config/boards/sim.toml", "utf8")}`;
  t.match(parseBoardProfile({ file: "x.toml", text }), { ok: true });
});
