import { readFileSync } from "node:fs";
import t from "tap";
import { Seeded, seedFor } from "../../../../hal/sim/seeded.ts";
import { parseBoardProfile } from "../../../../src/compose/config/board-profile-file.ts";
import { describeTomlFault } from "../../../../src/protocols/toml/toml-fault.ts";
import { brokenFile } from "../../protocols/toml/broken-files.ts";

const file = "config/boards/raspberry-pi-mcp23017.toml";
const pi = readFileSync(file, "utf8");

const keypad = `
[[readers]]
id = "keypad"
door = "front"
[readers.matrix]
rows = ["io:A6", "io:A7", "GPIO5", "GPIO6"]
columns = ["GPIO12", "GPIO13", "GPIO16"]
`;

function faultsOf(text: string): readonly string[] {
  const result = parseBoardProfile({ file, text });
  return result.ok ? [] : result.fault.map(describeTomlFault);
}

/** With `from` written as `to`. */
function faultsWith(from: string, to: string, text = pi): readonly string[] {
  if (!text.includes(from)) throw new Error(`the profile has no ${from}`);
  return faultsOf(text.replace(from, to));
}

t.test("an expander and a clock chip are where the file says", async (t) => {
  const result = parseBoardProfile({ file, text: pi });
  t.match(result, { ok: true });
  if (!result.ok) return;
  t.same(result.value.profile.expanders, [
    { id: "io", kind: "mcp23017", bus: 1, address: 0x20, interruptLine: "GPIO17", pollMs: 50 },
  ]);
  t.same(result.value.profile.clockChip, { kind: "ds3231", bus: 1, address: 0x68 });
});

t.test("an expander is polled as often as what hangs from it asks for", async (t) => {
  const pollMsOf = (text: string) => {
    const result = parseBoardProfile({ file, text });
    return result.ok && result.value.profile.expanders.map(({ pollMs }) => pollMs);
  };
  const columnsAt = (chip: string) =>
    `${pi}\n${keypad.replace('"GPIO12", "GPIO13", "GPIO16"', `"${chip}:A1", "${chip}:A2", "${chip}:A3"`)}
[[expanders]]
id = "keys"
kind = "mcp23017"
bus = 1
address = 0x21
`;
  t.same(pollMsOf(pi), [50], "contacts and buttons");
  t.same(pollMsOf(`${pi}\n${keypad}`), [50], "the rows of a keypad tell nothing");
  t.same(pollMsOf(columnsAt("keys")), [50, 20], "the columns do");
  t.same(pollMsOf(columnsAt("keys").replace("0x21", "0x21\npoll_ms = 8")), [50, 8]);
  for (const ms of ["1", "1001", "0.5"]) {
    t.match(faultsWith("bus = 1", `bus = 1\npoll_ms = ${ms}`), [
      /expanders\[0\]\.poll_ms: expected a whole number from 2 to 1000/,
    ]);
  }
});

t.test("a line that the expander does not have is refused", async (t) => {
  for (const line of ["io:A8", "io:C0", "io:a0", "io:GPIO4", "io:", "io:A0:B0"]) {
    t.match(faultsWith('"io:B1"', `"${line}"`), [
      /doors\[1\]\.strike\.line: expected a line of the expander "io", io:A0 to A7 or B0 to B7/,
    ]);
  }
  t.same(faultsWith('"io:B1"', '"pinctrl-rp1:4"'), [], "a label has a colon too");
  t.same(faultsWith('"io:B1"', '"iota:4"'), []);
});

t.test("a Wiegand reader on an expander is refused by name", async (t) => {
  t.match(faultsWith('d0 = "GPIO22"', 'd0 = "io:A6"'), [
    /readers\[0\]\.d0: expected a line of the board itself: .*too slow.*found "io:A6"/,
  ]);
  t.match(faultsWith('d1 = "GPIO25"', 'd1 = "io:A6"'), [/readers\[1\]\.d1: .*too slow/]);
});

t.test("an expander's interrupt is told by the board, not by an expander", async (t) => {
  t.match(faultsWith('interrupt_line = "GPIO17"', 'interrupt_line = "io:A7"'), [
    /expanders\[0\]\.interrupt_line: expected a line of the board itself/,
  ]);
  t.match(faultsWith('interrupt_line = "GPIO17"', 'interrupt_line = "GPIO22"'), [
    /readers\[0\]\.d0: .*nothing else is wired to|interrupt_line: .*nothing else is wired to/,
  ]);
});

t.test("a chip has its own id, address and bus", async (t) => {
  const second = (address: string, id = "more", bus = 1) =>
    `${pi}\n[[expanders]]\nid = "${id}"\nkind = "mcp23017"\nbus = ${bus}\naddress = ${address}\n`;
  t.same(faultsOf(second("0x21")), []);
  t.same(faultsOf(second("0x20", "more", 2)), [], "of another bus");
  t.match(faultsOf(second("0x20")), [
    /expanders\[1\]\.address: expected an address that nothing else has, found 32, the same as expanders\[0\]\.address at .*:\d+$/,
  ]);
  t.match(faultsOf(second("0x21", "io")), [/expanders\[1\]\.id: expected an id used once/]);
  for (const address of ["0x1f", "0x28", "-1", "32.5", '"0x20"']) {
    t.match(faultsWith("0x20", address), [/address: expected a whole number from 32 to 39/]);
  }
  t.match(faultsWith("bus = 1", "bus = 256"), [/expanders\[0\]\.bus: expected a whole number/]);
  t.match(faultsWith('"mcp23017"', '"pcf8574"'), [/kind: expected one of "mcp23017"/]);
  t.match(faultsWith('"ds3231"', '"ds1307"'), [/clock_chip\.kind: expected one of "ds3231"/]);
  const clash = pi.replace('kind = "ds3231"\nbus = 1', 'kind = "ds3231"\nbus = 1\naddress = 0x20');
  t.match(faultsOf(clash), [/clock_chip\.address: expected an address that nothing else has/]);
});

t.test("lines that are read as one are of one chip", async (t) => {
  const supervised = (cut: string, shorted: string) =>
    faultsWith(
      'line = "io:A4"\ncontact = "normally_closed"',
      `line = "io:A4"\ncontact = "normally_closed"
supervision = { cut_line = "${cut}", shorted_line = "${shorted}", active_level = "low" }`,
    );
  t.same(supervised("io:A6", "io:A7"), []);
  t.match(supervised("io:A6", "GPIO5"), [
    /fire\.supervision\.shorted_line: expected a line of the expander "io", as "io:A4" is/,
  ]);
  t.match(supervised("GPIO6", "GPIO5"), { length: 2 });
  t.match(faultsWith('"GPIO13"', '"io:A6"', (pi + keypad).replace('"io:A6", ', '"GPIO4", ')), [
    /readers\[2\]\.matrix\.columns\[1\]: expected a line of the board itself, as "GPIO12" is/,
  ]);
});

t.test("a keypad of bare switches has four rows, and three or four columns", async (t) => {
  const text = pi + keypad;
  const result = parseBoardProfile({ file, text });
  t.match(result, { ok: true });
  if (!result.ok) return;
  t.same(result.value.profile.readers[2], {
    id: "keypad",
    door: "front",
    matrix: {
      rows: ["io:A6", "io:A7", "GPIO5", "GPIO6"],
      columns: ["GPIO12", "GPIO13", "GPIO16"],
    },
    formats: [],
    keypad: "none",
  });
  t.match(faultsWith(', "GPIO6"]', "]", text), [/matrix\.rows: expected a list of 4 names/]);
  t.match(faultsWith(', "GPIO13", "GPIO16"', "", text), [
    /matrix\.columns: expected a list of 3 or 4 names of lines/,
  ]);
  t.match(faultsWith('"GPIO5"', '"GPIO22"', text), [/a line that nothing else is wired to/]);
  t.match(faultsWith('"io:A7"', '"io:A9"', text), [/rows\[1\]: expected a line of the expander/]);
  t.match(faultsWith('"GPIO13"', '"GPIO12"', text), [/a line that nothing else is wired to/]);
  t.match(faultsWith('"GPIO13"', '"GPIO 13"', text), [/columns\[1\]: expected the name of a line/]);
});

t.test("a reader is two Wiegand lines with formats, a matrix, or both", async (t) => {
  const text = pi + keypad;
  const [matrix = ""] = /\[readers\.matrix\][^[]*\[[^\]]*\]\n[^[]*\[[^\]]*\]\n/.exec(keypad) ?? [];
  t.match(faultsWith(matrix, "", text), [/readers\[2\]\.d0: expected the lines d0 and d1/]);
  t.match(faultsWith('d0 = "GPIO24"\n', ""), [
    /readers\[1\]\.d0: expected both lines of a Wiegand reader/,
  ]);
  t.match(faultsWith('door = "front"\n[', 'door = "front"\nformats = ["CSN32"]\n[', text), [
    /readers\[2\]\.formats: expected no formats of a reader without d0 and d1/,
  ]);
  t.match(faultsWith('formats = ["H10301"]\n', ""), [/readers\[0\]\.formats: expected a list/]);
  t.match(faultsWith('door = "front"\n[', 'door = "front"\nkeypad = "burst_8"\n[', text), [
    /readers\[2\]\.keypad: expected "none" beside a matrix/,
  ]);
});

t.test("however a profile with chips is broken, each fault has its line", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  for (let run = 0; run < 1_000; run += 1) {
    const text = brokenFile(pi + keypad, random);
    const result = parseBoardProfile({ file, text });
    const lineCount = text.split("\n").length;
    for (const fault of result.ok ? [] : result.fault) {
      const isPlaced = fault.line >= 1 && fault.line <= lineCount && fault.file === file;
      if (!isPlaced) t.fail(`SEED=${seed} run ${run}: ${describeTomlFault(fault)}\n${text}`);
    }
  }
});
