import { readFileSync } from "node:fs";
import t from "tap";
import { Seeded, seedFor } from "../../../../hal/sim/seeded.ts";
import {
  type BoardProfileFile,
  parseBoardProfile,
} from "../../../../src/compose/config/board-profile-file.ts";
import { describeTomlFault } from "../../../../src/protocols/toml/toml-fault.ts";
import { standardFormats } from "../../../../src/protocols/wiegand/format.ts";
import { brokenFile } from "../../protocols/toml/broken-files.ts";

const file = "config/boards/sim.toml";
const sim = readFileSync(file, "utf8");

function faultsOf(text: string): readonly string[] {
  const result = parseBoardProfile({ file, text });
  return result.ok ? [] : result.fault.map(describeTomlFault);
}

function accepted(text: string): BoardProfileFile {
  const result = parseBoardProfile({ file, text });
  if (!result.ok) throw new Error(faultsOf(text).join("\n"));
  return result.value;
}

function lineOf(text: string, part: string): number {
  return text.slice(0, text.indexOf(part)).split("\n").length;
}

t.test("the simulated board has the doors and readers of the demonstration", async (t) => {
  const { profile, formats } = accepted(sim);
  t.same(formats, standardFormats);
  t.match(profile.doors, [
    {
      id: "front",
      strike: { line: "relay1", energizedLevel: 1, lock: "fail_secure" },
      position: {
        line: "contact1",
        contact: "normally_closed",
        debounceMs: 20,
        supervision: { cutLine: "contact1-cut", shortedLine: "contact1-shorted", activeLevel: 1 },
      },
      rex: { line: "rex1", contact: "normally_open", supervision: { cutLine: "rex1-cut" } },
    },
    { id: "lab", position: { line: "contact2", supervision: undefined } },
  ]);
  t.match(profile.fire, {
    line: "fire",
    contact: "normally_closed",
    debounceMs: 20,
    supervision: { cutLine: "fire-cut", shortedLine: "fire-shorted", activeLevel: 1 },
  });
  t.same(profile.tamper, { line: "tamper", contact: "normally_closed", debounceMs: 20 });
  t.same(
    profile.readers.map(({ tamper }) => tamper?.line),
    ["reader1-tamper", "reader2-tamper"],
  );
  t.match(profile.readers, [
    {
      id: "front",
      door: "front",
      d0: "reader1-d0",
      d1: "reader1-d1",
      formats: ["H10301"],
      keypad: "burst_4",
      red: { line: "reader1-red", activeLevel: 0 },
    },
    { id: "lab", door: "lab", formats: standardFormats.map(({ name }) => name), keypad: "burst_8" },
  ]);
});

t.test("what a door or reader has not is absent, not undefined", async (t) => {
  const text = `[[doors]]
id = "a"
strike = { line = "s", energized_level = "low", lock = "fail_safe" }
[[readers]]
id = "r"
door = "a"
d0 = "0"
d1 = "1"
formats = ["CSN32"]
`;
  t.same(parseBoardProfile({ file, text }), {
    ok: true,
    value: {
      formats: standardFormats,
      profile: {
        doors: [{ id: "a", strike: { line: "s", energizedLevel: 0, lock: "fail_safe" } }],
        readers: [{ id: "r", door: "a", d0: "0", d1: "1", formats: ["CSN32"], keypad: "none" }],
        expanders: [],
      },
    },
  });
});

t.test("a line used twice is told with both places, whatever uses it", async (t) => {
  const lines = [...sim.matchAll(/(?:line|d0|d1) = "([a-z0-9-]+)"/g)].map(([, line]) => line);
  t.equal(lines.length, 27);
  t.equal(new Set(lines).size, 27);
  for (const [index, line] of lines.entries()) {
    const earlier = lines[(index * 5 + 3) % lines.length];
    if (earlier === line || earlier === undefined) continue;
    const text = sim.replace(`"${line}"`, `"${earlier}"`);
    const at = [lineOf(sim, `"${line}"`), lineOf(sim, `"${earlier}"`)].sort((a, b) => a - b);
    t.match(
      faultsOf(text),
      [
        new RegExp(
          `^${file}:${at[1]}: .*expected a line that nothing else is wired to, ` +
            `found "${earlier}", the same as .* at ${file}:${at[0]}$`,
        ),
      ],
      `${line} and ${earlier}`,
    );
  }
});

t.test("a supervised contact has both comparators, of one known level", async (t) => {
  const broken = (from: string, to: string) => faultsOf(sim.replace(from, to));
  t.match(broken(', shorted_line = "fire-shorted"', ""), [
    /fire\.supervision\.shorted_line: expected the name of a line/,
  ]);
  t.match(broken('cut_line = "rex1-cut", ', ""), [
    /doors\[0\]\.rex\.supervision\.cut_line: expected the name of a line/,
  ]);
  t.match(broken('"fire-shorted", active_level = "high"', '"fire-shorted", active_level = "on"'), [
    /fire\.supervision\.active_level: .*"on"/,
  ]);
  t.match(broken('cut_line = "fire-cut"', 'open_line = "fire-cut"'), [
    /fire\.supervision\.open_line: expected one of/,
    /fire\.supervision\.cut_line: expected the name of a line/,
  ]);
  t.match(broken('line = "tamper"\ncontact = "normally_closed"', 'line = "tamper"'), [
    /tamper\.contact: expected/,
  ]);
});

t.test("a reader's door and formats must be there", async (t) => {
  t.match(faultsOf(sim.replace('door = "lab"', 'door = "lap"')), [
    `${file}:${lineOf(sim, 'door = "lab"')}: readers[1].door: expected a door of this file: ` +
      'front, lab (did you mean "lab"?), found "lap"',
  ]);
  t.match(faultsOf(sim.replace('["H10301"]', '["H10031"]')), [
    /readers\[0\]\.formats\[0\]: expected a format of this file.*did you mean "H10301".*"H10031"/,
  ]);
  t.match(faultsOf(sim.replace('["H10301"]', "[]")), [
    /a list of one name of a card format or more/,
  ]);
  t.match(faultsOf(sim.replace('["H10301"]', '["H10301", "H10301"]')), [/each format once/]);
});

t.test("an id is one door's, or one reader's", async (t) => {
  const result = faultsOf(
    sim.replaceAll('id = "lab"', 'id = "front"').replace('door = "lab"', 'door = "front"'),
  );
  t.match(result, [
    /doors\[1\]\.id: expected an id used once, found "front", the same as doors\[0\]\.id at /,
    /readers\[1\]\.id: expected an id used once, found "front", the same as readers\[0\]\.id at /,
  ]);
});

t.test("a keypad whose PINs look like cards is refused beside such cards", async (t) => {
  t.match(faultsOf(sim.replace("burst_8", "pin_26")), [
    /readers\[1\]\.formats\[0\]: .*26 bits.*"H10301"/,
  ]);
  t.same(faultsOf(sim.replace("burst_4", "pin_26").replace('["H10301"]', '["CSN32"]')), []);
});

const acme = `[[formats]]
name = "ACME-24"
bit_count = 24
fields = [{ name = "number", first_bit = 1, bit_count = 22, as = "number" }]
parity = [
  { bit = 0, covers = [1, 2, 3], sense = "even" },
  { bit = 23, covers = [4, 5], sense = "odd" },
]
`;

t.test("a board may add a format, and a reader use it", async (t) => {
  const { profile, formats } = accepted(acme + sim.replace('"H10301"', '"ACME-24"'));
  t.same(formats.at(-1), {
    name: "ACME-24",
    bitCount: 24,
    fields: [{ name: "number", firstBit: 1, bitCount: 22, as: "number" }],
    parity: [
      { bit: 0, covers: [1, 2, 3], sense: "even" },
      { bit: 23, covers: [4, 5], sense: "odd" },
    ],
  });
  t.same(profile.readers[0]?.formats, ["ACME-24"]);
});

t.test("a format that cannot be is named where it says so", async (t) => {
  const fault = (from: string, to: string) => faultsOf(acme.replace(from, to) + sim)[0];
  t.match(
    fault('"ACME-24"', '"H10301"'),
    `${file}:2: formats[0].name: expected a name that no other`,
  );
  t.match(fault("= 22", "= 21"), `${file}:4: formats[0].fields: expected bit 22 in exactly one`);
  t.match(
    fault("bit_count = 22", "bit_count = 60"),
    `${file}:4: formats[0].fields[0]: expected bits`,
  );
  t.match(
    fault("[4, 5]", "[4, 4]"),
    `${file}:7: formats[0].parity[1].covers: expected each bit once`,
  );
  t.match(
    fault("[4, 5]", "[4, 24]"),
    `${file}:7: formats[0].parity[1].covers: expected bits within`,
  );
  t.match(
    fault("= 24", "= 8"),
    `${file}:3: formats[0].bit_count: expected a whole number from 16 to 128`,
  );
  t.match(
    fault("first_bit", "firstBit"),
    `${file}:4: formats[0].fields[0].firstBit: expected one of`,
  );
  const twice = faultsOf(`${acme}${acme}${sim}`);
  t.match(twice, [`${file}:10: formats[1].name: expected a name that no other`]);
});

t.test("however a profile is broken, each fault has its line and nothing throws", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  for (let run = 0; run < 1_500; run += 1) {
    const text = brokenFile(random.chance(0.2) ? acme + sim : sim, random);
    const result = parseBoardProfile({ file, text });
    const lineCount = text.split("\n").length;
    for (const fault of result.ok ? [] : result.fault) {
      const isPlaced = fault.line >= 1 && fault.line <= lineCount && fault.file === file;
      if (!isPlaced) t.fail(`SEED=${seed} run ${run}: ${describeTomlFault(fault)}\n${text}`);
    }
  }
});

/** The simulated board, with these lines after its first reader's and its second reader's. */
function withRadios(first: string, second = ""): string {
  const bare = sim.replaceAll(/^ble = .*\n/gm, "");
  const [head = "", one = "", other = ""] = bare.split("[[readers]]\n");
  const radio = (lines: string) => (lines === "" ? "" : `\nble = ${lines}\n`);
  const reader = (text: string, lines: string) =>
    text.replace(/^(door = .*\n)/m, `$1${radio(lines).trimStart()}`);
  return [head, reader(one, first), reader(other, second)].join("[[readers]]\n");
}

t.test("a reader without a radio takes no mobile passes", async (t) => {
  const { profile } = accepted(withRadios(""));
  t.same(
    profile.readers.map(({ ble }) => ble),
    [undefined, undefined],
  );
});

t.test("a reader's radio is an adapter of its own", async (t) => {
  const { profile } = accepted(
    withRadios("{}", '{ adapter = 1, driver = "abandonware", rssi_min = -70 }'),
  );
  t.same(
    profile.readers.map(({ ble }) => ble),
    [
      { adapter: 0, driver: "abandonware" },
      { adapter: 1, driver: "abandonware", rssiMin: -70 },
    ],
  );
});

t.test("two readers cannot have one adapter, even where one is switched off", async (t) => {
  for (const second of ["{ adapter = 3 }", "{ adapter = 3, enabled = false }"]) {
    const [fault, ...others] = faultsOf(withRadios("{ adapter = 3 }", second));
    t.same(others, []);
    t.match(fault, /readers\[?.*ble\.adapter.*an adapter that no other reader has/s);
  }
  t.match(faultsOf(withRadios("{}", "{}")), [/an adapter that no other reader has/]);
});

t.test("a reader's radio may be named by its socket", async (t) => {
  const { profile } = accepted(withRadios('{ adapter = "1-1.2" }', '{ adapter = "serial0-0" }'));
  t.same(
    profile.readers.map(({ ble }) => ble?.adapter),
    ["1-1.2", "serial0-0"],
  );
  t.match(faultsOf(withRadios('{ adapter = "1-1.2" }', '{ adapter = "1-1.2" }')), [
    /an adapter that no other reader has/,
  ]);
});

t.test("a radio that is switched off is none", async (t) => {
  const { profile } = accepted(withRadios("{ adapter = 1, enabled = false }"));
  t.equal(profile.readers[0]?.ble, undefined);
});

t.test("a radio's faults name the key and what was expected", async (t) => {
  for (const [ble, expected] of [
    ["{ adapter = -1 }", "a whole number from 0 to 15"],
    ["{ adapter = 16 }", "a whole number from 0 to 15"],
    ['{ adapter = "../hci0" }', 'a whole number from 0 to 15, or the name of a socket, as "1-1.2"'],
    ["{ adapter = true }", "the name of a socket"],
    ['{ driver = "bluez" }', "abandonware"],
    ["{ rssi_min = -101 }", "a whole number from -100 to -20"],
    ["{ rssi_min = 70 }", "a whole number from -100 to -20"],
    ['{ driver = "stoprocent", rssi_min = -70 }', "cannot tell how strongly"],
    ["{ channel = 37 }", "channel"],
  ] as const) {
    const [fault = "", ...others] = faultsOf(withRadios(ble));
    t.same(others, [], ble);
    t.ok(fault.includes(expected), `${ble}: ${fault}`);
  }
});
