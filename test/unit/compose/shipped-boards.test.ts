import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Board } from "../../../hal/board.ts";
import type { BoardProfile } from "../../../hal/board-profile.ts";
import { parseControllerConfig } from "../../../src/compose/config/controller-config.ts";
import { BoardWorld, parsedProfile, readProfile } from "./board-world.ts";

const folder = "config/boards";
const files = readdirSync(folder).filter((name) => name.endsWith(".toml"));
const realFiles = files.filter((name) => name !== "sim.toml");
const readme = readFileSync(join(folder, "README.md"), "utf8");

t.test("there is a profile for each board that we speak of", async (t) => {
  t.same(files.sort(), [
    "kincony-pi5r8.toml",
    "kincony-server-mini.toml",
    "raspberry-pi-mcp23017.toml",
    "raspberry-pi.toml",
    "sim.toml",
  ]);
  for (const name of files) readProfile(join(folder, name));
});

/** What each input says, by what the profile calls it. */
function said(board: Board): Readonly<Record<string, unknown>> {
  const { doors, readers, fire, tamper } = board;
  const all = [
    ...doors.flatMap(({ id, position, rex }) => [
      [`doors.${id}.position`, position?.read()],
      [`doors.${id}.rex`, rex?.read()],
    ]),
    ...readers.map((reader) => [`readers.${reader.id}.tamper`, reader.tamper?.read()]),
    ["fire", fire?.read()],
    ["tamper", tamper?.read()],
  ];
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

const atRest = (name: string) => {
  if (name.endsWith(".position")) return "closed";
  return "idle";
};
const moved = (name: string) => {
  if (name.endsWith(".position")) return "open";
  return name.endsWith(".rex") ? "pressed" : "raised";
};

for (const name of realFiles) {
  const open = () => {
    const world = new BoardWorld(readProfile(join(folder, name)));
    return { world, ...world.open() };
  };

  t.test(`${name}: every line is there, and every strike secured`, async (t) => {
    const { world, board } = open();
    t.ok(board.doors.length > 0);
    for (const { strike } of world.profile.doors) t.equal(world.drivenLevel(strike.line), 0);
    const expected = [...world.contacts().keys()].map((input) => [input, atRest(input)]);
    t.same(said(board), Object.fromEntries(expected));
  });

  t.test(`${name}: each strike moves its own relay and no other, until the close`, async (t) => {
    const { world, board, close } = open();
    const relays = world.profile.doors.map(({ strike }) => strike.line);
    for (const [index, { strike }] of board.doors.entries()) {
      strike.drive("released");
      const expected = relays.map((_, relay) => (relay === index ? 1 : 0));
      t.same(
        relays.map((line) => world.drivenLevel(line)),
        expected,
      );
      strike.drive("secured");
    }
    for (const { strike } of board.doors) strike.drive("released");
    close();
    t.same(
      relays.map((line) => world.drivenLevel(line)),
      relays.map(() => 0),
    );
    close();
  });

  t.test(`${name}: each contact and button is heard as what it is`, async (t) => {
    const { world, board } = open();
    const inputs = [...world.contacts()];
    for (const [input, wiring] of inputs) {
      world.move(wiring, "active");
      await world.clock.elapse(200);
      const expected = inputs.map(([other]) => [
        other,
        other === input ? moved(other) : atRest(other),
      ]);
      t.same(said(board), Object.fromEntries(expected), input);
      world.move(wiring, "rest");
      await world.clock.elapse(200);
    }
  });

  t.test(`${name}: README's wiring table is the profile's`, async (t) => {
    t.same(tableOf(name), wiringOf(readProfile(join(folder, name)).profile));
  });
}

/** What the rows of a board's section say: line by what it is wired to. */
function tableOf(name: string): Readonly<Record<string, string>> {
  const [, section = ""] = readme.split(`\n## ${name}\n`);
  const [text = ""] = section.split("\n## ");
  const rows = [...text.matchAll(/^\| `([^`]+)` \| `([^`]+)` \|/gm)];
  return Object.fromEntries(rows.map(([, what, line]) => [what, line]));
}

function wiringOf({ doors, readers, fire, tamper, expanders }: BoardProfile) {
  const all: (readonly [string, string | undefined])[] = [
    ...expanders.map(
      ({ id, interruptLine }) => [`expanders.${id}.interrupt`, interruptLine] as const,
    ),
    ...doors.flatMap(({ id, strike, position, rex }) => [
      [`doors.${id}.strike`, strike.line] as const,
      [`doors.${id}.position`, position?.line] as const,
      [`doors.${id}.rex`, rex?.line] as const,
    ]),
    ...readers.flatMap((reader) => [
      [`readers.${reader.id}.d0`, reader.d0] as const,
      [`readers.${reader.id}.d1`, reader.d1] as const,
      ...(["red", "green", "amber", "beeper", "tamper"] as const).map(
        (part) => [`readers.${reader.id}.${part}`, reader[part]?.line] as const,
      ),
    ]),
    ["fire", fire?.line],
    ["tamper", tamper?.line],
  ];
  return Object.fromEntries(all.filter(([, line]) => line !== undefined));
}

/** Of every door, or of every contact. */
function linesOf(name: string, part: "strike" | "input"): readonly string[] {
  const { doors, fire, tamper } = readProfile(join(folder, name)).profile;
  const inputs = [...doors.flatMap(({ position, rex }) => [position, rex]), fire, tamper];
  if (part === "strike") return doors.map(({ strike }) => strike.line);
  return inputs.flatMap((wiring) => wiring?.line ?? []);
}

t.test("on a KinCony board strikes are on relays and contacts on inputs", async (t) => {
  const gpio = (numbers: readonly number[]) => numbers.map((number) => `GPIO${number}`);
  const port = (letter: string) => [0, 1, 2, 3, 4, 5, 6, 7].map((pin) => `io:${letter}${pin}`);
  const terminals = {
    "kincony-server-mini.toml": {
      strike: gpio([5, 22, 17, 4, 6, 13, 19, 26]),
      input: gpio([18, 23, 24, 25, 12, 16, 20, 21]),
    },
    "kincony-pi5r8.toml": { strike: port("B"), input: port("A") },
  };
  for (const [name, known] of Object.entries(terminals)) {
    for (const part of ["strike", "input"] as const) {
      const others = linesOf(name, part).filter((line) => !known[part].includes(line));
      t.same(others, [], `${name}: ${part}`);
    }
  }
  const { expanders } = readProfile(join(folder, "kincony-pi5r8.toml")).profile;
  t.match(expanders, [{ id: "io", address: 0x20 }]);
});

t.test(
  "what is assumed of a board that nobody tried is said where it is met, with the check",
  async (t) => {
    const untried = realFiles.filter((name) => name.startsWith("kincony"));
    t.equal(untried.length, 2);
    for (const name of untried) {
      const text = readFileSync(join(folder, name), "utf8");
      const { doors } = readProfile(join(folder, name)).profile;
      const [, pulsed] = /^#\s+postern pulse (\S+) --ms 500\s/m.exec(text) ?? [];
      t.ok(
        doors.some(({ id }) => id === pulsed),
        `${name}: a door that it has`,
      );
      t.match(text, /^# ASSUMED.*a high line energizes its relay, and a closed input reads low/m);
      t.match(text, /^#\s+postern io\s/m);
      for (const { strike } of doors) t.equal(strike.energizedLevel, 1, "as the comment says");
      const [, section = ""] = readme.split(`\n## ${name}\n`);
      t.match(section.split("\n## ")[0], /is \*assumed\*:\s\[check it\]\(#check-the-polarity\)/);
    }
    t.match(readme, /^## Check the polarity$/m);
  },
);

t.test("no strike hangs from a line that a Pi pulls up at boot", async (t) => {
  const pulledUp = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((number) => `GPIO${number}`);
  for (const name of realFiles) {
    const { doors } = readProfile(join(folder, name)).profile;
    for (const { strike } of doors) {
      t.equal(strike.energizedLevel, 1, name);
      t.notOk(pulledUp.includes(strike.line), `${name}: ${strike.line}`);
    }
  }
});

t.test("README's keypad of bare switches is one", async (t) => {
  const [, example = ""] = /```toml\n(.*?)```/s.exec(readme) ?? [];
  const file = join(folder, "raspberry-pi-mcp23017.toml");

  const { profile } = parsedProfile(`${readFileSync(file, "utf8")}\n${example}`, file);
  t.match(profile.readers.at(-1), { id: "keypad", matrix: { rows: { length: 4 } } });
});

t.test("the example of a controller on real lines is read, and finds its board", async (t) => {
  const file = "config/controller-linux.toml";
  const config = parseControllerConfig({ file, text: readFileSync(file, "utf8"), env: {} });
  t.match(config, {
    ok: true,
    value: {
      stateDir: "/var/lib/postern",
      clockRule: "ntp",
      board: { kind: "linux", driver: "character_device", acceptWeakWiegand: false },
    },
  });
  if (config.ok) readProfile(config.value.board.profileFile);
});
