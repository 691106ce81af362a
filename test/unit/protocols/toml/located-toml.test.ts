import t from "tap";
import * as v from "valibot";
import { readToml } from "../../../../src/protocols/toml/located-toml.ts";
import { describeTomlFault } from "../../../../src/protocols/toml/toml-fault.ts";
import {
  idText,
  listOf,
  oneOf,
  openTable,
  tomlTable,
  wholeNumber,
  yesOrNo,
} from "../../../../src/protocols/toml/toml-schema.ts";

const schema = tomlTable({
  name: idText,
  count: v.optional(wholeNumber({ min: 1, max: 9 }), 5),
  on: v.optional(yesOrNo, false),
  colour: v.optional(oneOf(["red", "green"]), "red"),
  lamps: v.optional(
    listOf(tomlTable({ line: idText, level: v.exactOptional(idText) }), "tables"),
    [],
  ),
  inner: v.exactOptional(tomlTable({ pin: idText })),
  open: v.exactOptional(openTable({ kind: idText }, v.number("a number"))),
});

const read = (text: string) =>
  readToml({
    file: "x.toml",
    text,
    schema,
    isSecret: (path) => path.includes("pin"),
    build: (value) => value,
  });

function faultsOf(text: string): readonly string[] {
  const result = read(text);
  return result.ok ? [] : result.fault.map(describeTomlFault);
}

t.test("a file without faults is read, with the defaults of what it leaves out", async (t) => {
  t.same(read('name = "a"\n[[lamps]]\nline = "l"\n[open]\nkind = "k"\nmore = 3\n'), {
    ok: true,
    value: {
      name: "a",
      count: 5,
      on: false,
      colour: "red",
      lamps: [{ line: "l" }],
      open: { kind: "k", more: 3 },
    },
  });
});

t.test("all faults are named at once, in the order of their lines", async (t) => {
  t.same(
    faultsOf(
      'nmae = "a"\ncount = 10\non = "yes"\ncolour = "blue"\n\n[[lamps]]\nlevel = 3\nextra = 1\n',
    ),
    [
      "x.toml:1: nmae: expected one of the keys name, count, on, colour, lamps, inner, open " +
        '(did you mean "name"?), found the key "nmae"',
      "x.toml:1: name: expected 1 to 64 letters, digits, '-' or '_', found nothing",
      "x.toml:2: count: expected a whole number from 1 to 9, found 10",
      'x.toml:3: on: expected true or false, found "yes"',
      'x.toml:4: colour: expected one of "red", "green", found "blue"',
      "x.toml:6: lamps[0].line: expected 1 to 64 letters, digits, '-' or '_', found nothing",
      "x.toml:7: lamps[0].level: expected 1 to 64 letters, digits, '-' or '_', found 3",
      'x.toml:8: lamps[0].extra: expected one of the keys line, level, found the key "extra"',
    ],
  );
});

t.test("a key that is there already is not suggested again", async (t) => {
  t.notMatch(faultsOf('name = "a"\nnmae = "b"'), [/did you mean/]);
});

t.test("what is of the wrong type is named for what it is", async (t) => {
  const found = (value: string) => faultsOf(`name = ${value}`)[0]?.replace(/.*, found /, "");
  t.equal(found("7"), "7");
  t.equal(found("true"), "true");
  t.equal(found("[]"), "an empty list");
  t.equal(found('["a"]'), "a list");
  t.equal(found('{ a = "b" }'), "a table");
  t.equal(found("1979-05-27"), "1979-05-27");
  t.equal(found("nan"), "NaN");
  t.equal(found('"\\u001b[2J"'), '"\\u001b[2J"', "nothing that would clear a terminal");
  t.equal(found(`"${"x ".repeat(500)}"`)?.length, 63, "no novels");
  t.match(faultsOf('name = "a"\nlamps = { line = "a" }'), [
    "expected a list of tables, found a table",
  ]);
  t.match(faultsOf('name = "a"\nlamps = [["a"]]'), ["lamps[0]: expected a table, found a list"]);
  t.match(faultsOf('name = "a"\ninner = 1979-05-27'), ["inner: expected a table, found 1979"]);
});

t.test("a key that every object has in JavaScript is a key like any other", async (t) => {
  for (const key of ["toString", "prototype", "hasOwnProperty", "valueOf"]) {
    t.match(faultsOf(`name = "a"\n${key} = 1`), [`x.toml:2: ${key}: expected one of the keys`]);
  }
  for (const key of ["__proto__", "constructor"]) {
    t.match(faultsOf(`name = "a"\n${key} = 1`), [/^x\.toml:2:1: expected valid TOML/]);
  }
  t.match(faultsOf("").length, 1, "and none of them is there by itself");
});

t.test("a secret is in no message", async (t) => {
  for (const text of [
    "inner.pin = 246810",
    'inner.pin = "246810 "',
    "inner.pin = 1924-06-08",
    'inner.pin = ["246810"]',
    'inner.pin = "246810',
    "inner.pin = 246810x",
    'inner = { pin = "246810" "246810" }',
  ]) {
    const faults = faultsOf(`name = "a"\n${text}\n`).join("\n");
    t.match(faults, /^x\.toml:[23]:/, text);
    t.notMatch(faults, /2468|1924/, text);
  }
});

t.test("text that is no TOML is named with line and column", async (t) => {
  t.same(faultsOf('name = "a"\n\ncount = = 3\n'), [
    "x.toml:3:9: expected valid TOML, found a fault: invalid value",
  ]);
  t.match(faultsOf("a = 1\na = 2"), [/^x\.toml:2:1: .* redefine an already defined/]);
  t.match(faultsOf(`name = ${"[".repeat(5_000)}`), [/^x\.toml:1:\d+: .*nested/]);
  t.match(faultsOf("count = 99999999999999999999"), [/^x\.toml:1:\d+: .*losslessly/]);
  t.match(faultsOf("name = \u0000"), [/^x\.toml:1:\d+: /]);
});

t.test("one value out of its bounds does not hide what a look across keys finds", async (t) => {
  const result = readToml({
    file: "x.toml",
    text: 'name = "a"\ncount = 0\nnmae = 1\n[[lamps]]\nline = "a"\n',
    schema,
    build: (value, report) => {
      if (value.lamps[0]?.line === value.name) {
        report.fault(["lamps", 0, "line"], "another", `that of ${report.place(["name"])}`);
      }
    },
  });
  t.match(result.ok ? [] : result.fault, [
    { line: 2, key: "count" },
    { line: 3, key: "nmae" },
    { line: 5, key: "lamps[0].line", expected: "another", found: "that of x.toml:1" },
  ]);
});
