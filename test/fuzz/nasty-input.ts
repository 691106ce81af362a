import * as v from "valibot";
import type { Seeded } from "../../hal/sim/seeded.ts";
import { innermost } from "../../src/site/api/parse-input.ts";

/** Names as people have them, and as people make trouble with. All of them may be taken. */
export const oddNames = [
  "Zoë",
  "李小龍",
  "محمد \u202e01",
  "👩‍👩‍👧‍👦",
  "\uffff\ufffe",
  "a\u0301\u0301\u0301\u0301",
  "\ud83d\ude00".repeat(100),
  "'; drop table users; --",
  "%_\\",
  "\u00a0\u2003x",
  "ﷺ".repeat(50),
  "İstanbul",
  "ß",
] as const;

/** What hardly any field takes, and none may choke on. */
const nasty: readonly unknown[] = [
  null,
  true,
  0,
  -0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  "",
  " ",
  "0",
  "a\u0000b",
  "\ud83d",
  "\udc00\ud83d",
  "line\u2028end",
  "a\nb",
  "../../etc/passwd",
  "x".repeat(300),
  "9".repeat(400),
  "2027-13-45T99:99:99Z",
  "9999999-01-01T00:00:00Z",
  "00000000-0000-0000-0000-00000000000g",
  [],
  [null],
  [[[[[]]]]],
  ["", ""],
  {},
  { length: 3 },
  { toString: "x" },
  { constructor: { prototype: {} } },
  Array.from({ length: 5_000 }, (_, index) => index),
];

/** One that a schema of this kind may take, or nearly. `known`: ids that are somebody's. */
export function sample(schema: unknown, random: Seeded, known: readonly string[]): unknown {
  const inner = innermost(schema);
  const { type, entries, item, options } = inner;
  switch (type) {
    case "string":
      return someText(random, known);
    case "number":
      return random.pick([1, 2, 5_000, 10_000, 30_000, random.between(0, 100_000)]);
    case "boolean":
      return random.chance(0.5);
    case "picklist":
      return Array.isArray(options) ? options[random.between(0, options.length - 1)] : "none";
    case "array":
      return Array.from({ length: random.between(0, 2) }, () => sample(item, random, known));
    case "union":
      return random.chance(0.5) ? 7 : "7";
    default:
      return typeof entries === "object" && entries !== null
        ? sampleObject(entries as v.ObjectEntries, random, known)
        : random.pick<unknown>(["x", 1]);
  }
}

export function sampleObject(
  entries: v.ObjectEntries,
  random: Seeded,
  known: readonly string[],
): Record<string, unknown> {
  const given = Object.entries(entries).filter(([, entry]) => {
    const isOptional = entry.type === "exact_optional" || entry.type === "optional";
    return !isOptional || random.chance(0.4);
  });
  return Object.fromEntries(given.map(([name, entry]) => [name, sample(entry, random, known)]));
}

function someText(random: Seeded, known: readonly string[]): string {
  const [first = "front", ...more] = known;
  if (random.chance(0.6)) return random.pick([first, ...more]);
  return random.pick([
    ...oddNames,
    "front",
    "one",
    "day",
    "4711",
    String(random.between(1_000, 999_999_999)),
    "12-25",
    "08:00",
    "2027-06-01T00:00:00Z",
    "mail@example.com",
    "https://hooks.example.com/postern",
    "acs_user.created",
    "00000000-0000-4000-8000-000000000001",
    `n${random.between(0, 9)}`,
  ]);
}

/** A value that this schema cannot take; undefined where none was found. */
export function wrongFor(schema: v.GenericSchema, random: Seeded): { value: unknown } | undefined {
  for (let tries = 0; tries < 10; tries += 1) {
    const value = nasty[random.between(0, nasty.length - 1)];
    if (!v.safeParse(schema, value).success) return { value };
  }
  return undefined;
}
