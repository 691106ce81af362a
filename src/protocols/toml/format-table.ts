import * as v from "valibot";
import { rawBitsMax } from "../../domain/credential.ts";
import {
  parseWiegandFormat,
  standardFormats,
  type WiegandFormat,
  wiegandBitsMin,
} from "../wiegand/format.ts";
import type { KeyPath } from "./key-path.ts";
import type { TomlReport } from "./located-toml.ts";
import { filledListOf, listOf, oneOf, textLike, tomlTable, wholeNumber } from "./toml-schema.ts";

const label = textLike(
  (text) => /^[A-Za-z0-9_-]{1,32}$/.test(text),
  "1 to 32 letters, digits, '-' or '_'",
);
const bitPosition = wholeNumber({ min: 0, max: rawBitsMax - 1 });
const bitCount = wholeNumber({ min: 1, max: rawBitsMax });

export const formatEntries = {
  name: label,
  bit_count: wholeNumber({ min: wiegandBitsMin, max: rawBitsMax }),
  fields: filledListOf(
    tomlTable({
      name: label,
      first_bit: bitPosition,
      bit_count: bitCount,
      as: oneOf(["number", "hex"]),
    }),
    "table",
  ),
  parity: v.optional(
    listOf(
      tomlTable({
        bit: bitPosition,
        covers: filledListOf(bitPosition, "bit"),
        sense: oneOf(["even", "odd"]),
      }),
      "tables",
    ),
    [],
  ),
};

const formatTable = tomlTable(formatEntries);

/** `[[formats]]`: card formats of a site's own, in a board profile and in a site file alike. */
export const formatTables = v.optional(listOf(formatTable, "tables"), []);

export type FormatTable = v.InferOutput<typeof formatTable>;

/**
 * The standard formats and then those of the file. A name is used once, standard ones included: two
 * meanings of one name would make a card's number another one at the next reader.
 */
export function readFormats(
  tables: readonly FormatTable[],
  report: TomlReport,
): readonly WiegandFormat[] {
  const formats = [...standardFormats];
  for (const [index, table] of tables.entries()) {
    const path: KeyPath = ["formats", index];
    if (formats.some(({ name }) => name === table.name)) {
      report.fault([...path, "name"], "a name that no other and no standard format has");
      continue;
    }
    const parsed = parseWiegandFormat(wiegandFormat(table));
    if (parsed.ok) formats.push(parsed.value);
    else report.fault([...path, ...tomlPath(parsed.fault.field)], parsed.fault.expected, "another");
  }
  return formats;
}

function wiegandFormat(table: FormatTable): WiegandFormat {
  return {
    name: table.name,
    bitCount: table.bit_count,
    fields: table.fields.map((field) => ({
      name: field.name,
      firstBit: field.first_bit,
      bitCount: field.bit_count,
      as: field.as,
    })),
    parity: table.parity,
  };
}

/** `fields.0.bitCount` as it stands in the file: `fields`, 0, `bit_count`. */
function tomlPath(field: string): KeyPath {
  return field
    .split(".")
    .map((part) =>
      /^\d+$/.test(part)
        ? Number(part)
        : part.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    );
}
