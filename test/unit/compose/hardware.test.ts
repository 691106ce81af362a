import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import t, { type Test } from "tap";
import type { Gpio } from "../../../hal/gpio.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimGpio } from "../../../hal/sim/sim-gpio.ts";
import { SimTimeSync } from "../../../hal/sim/sim-time-sync.ts";
import type { ControllerConfig } from "../../../src/compose/config/controller-config.ts";
import { KeptClock } from "../../../src/controller/kept-clock.ts";
import * as halError from "../../../src/domain/hal-error.ts";
import { siteId } from "../../../src/domain/ids.ts";
import { temporaryFolder } from "../controller/journal-records.ts";
import { headerLines } from "./board-world.ts";

const boards = "config/boards";
const site = siteId("demo");

function optionsIn(t: Test, env: Readonly<Record<string, string>> = {}) {
  const stateDir = temporaryFolder(t);
  const clock = new SimClock();
  const time = new KeptClock({
    machine: clock,
    timeSync: new SimTimeSync(),
    rule: "trusted",
    boot: undefined,
    file: join(stateDir, "clock.floor"),
  });
  const logged: string[] = [];
  const log = pino({ level: "info" }, { write: (line) => logged.push(line) });
  return { stateDir, clock, logged, log, time, env };
}

const linux = (profileFile: string): ControllerConfig["board"] => ({
  kind: "linux",
  driver: "character_device",
  acceptWeakWiegand: false,
  profileFile,
});

/** In place of this machine's. */
let openLines = (): Gpio => {
  throw new Error("a test says which");
};
const linuxHardware = await t.mockImport<typeof import("../../../src/compose/linux-hardware.ts")>(
  "../../../src/compose/linux-hardware.ts",
  {
    "../../../hal/linux/gpio/character-device-gpio.ts": {
      openCharacterDeviceGpio: () => openLines(),
    },
    // Ours and not a copy: what our lines throw is told by its class.
    "../../../src/domain/hal-error.ts": halError,
  },
);
const { openHardware } = await t.mockImport<typeof import("../../../src/compose/hardware.ts")>(
  "../../../src/compose/hardware.ts",
  {
    "../../../src/compose/linux-hardware.ts": linuxHardware,
    "../../../src/domain/hal-error.ts": halError,
  },
);

/** Lines that a kernel would have as those of its first chip. */
function kernelLines(clock: SimClock): { readonly gpio: Gpio; readonly sim: SimGpio } {
  const sim = new SimGpio({ clock, lines: headerLines });
  const gpio: Gpio = {
    openInputs: (request) => sim.openInputs(request),
    openOutput: (request) => sim.openOutput(request),
    addressOf: (line) => ({
      kind: "gpio",
      device: "/dev/gpiochip0",
      offset: Number(line.replace("GPIO", "")),
    }),
  };
  return { gpio, sim };
}

t.test(
  "a board of this machine's lines comes up secured, with amber lamps and no face",
  async (t) => {
    const { stateDir, ...options } = optionsIn(t);
    const { gpio, sim } = kernelLines(options.clock);
    openLines = () => gpio;
    const board = linux(join(boards, "raspberry-pi.toml"));
    const hardware = await openHardware({ board, stateDir, site }, options);
    t.equal(sim.levelOf("GPIO17"), 0);
    t.same([sim.levelOf("GPIO24"), sim.levelOf("GPIO25")], [1, 1], "red and green are amber");
    t.equal(await hardware.openFace(Promise.resolve()), undefined);
    hardware.board.doors[0]?.strike.drive("released");
    t.equal(sim.levelOf("GPIO17"), 1);
    hardware.close();
    t.equal(sim.levelOf("GPIO17"), 0);
    hardware.close();
  },
);

t.test("where each strike is stands on disk before one is released", async (t) => {
  const runtime = temporaryFolder(t);
  for (const folder of ["RUNTIME_DIRECTORY", "state"]) {
    const env = folder === "state" ? {} : { RUNTIME_DIRECTORY: runtime };
    const { stateDir, ...options } = optionsIn(t, env);
    const { gpio } = kernelLines(options.clock);
    openLines = () => gpio;
    const board = linux(join(boards, "raspberry-pi.toml"));
    const hardware = await openHardware({ board, stateDir, site }, options);
    const text = readFileSync(join(folder === "state" ? stateDir : runtime, "strikes"), "utf8");
    t.same(
      text.split("\n").filter((line) => line !== "" && !line.startsWith("#")),
      ["gpio /dev/gpiochip0 17 0 GPIO17", "gpio /dev/gpiochip0 27 0 GPIO27"],
    );
    hardware.close();
  }
});

t.test("a maglock is secured by power, also when we are dead", async (t) => {
  const { stateDir, ...options } = optionsIn(t);
  const { gpio, sim } = kernelLines(options.clock);
  openLines = () => gpio;
  const file = join(stateDir, "board.toml");
  const profile = readFileSync(join(boards, "raspberry-pi.toml"), "utf8");
  writeFileSync(file, profile.replace('"fail_secure"', '"fail_safe"'));
  const hardware = await openHardware({ board: linux(file), stateDir, site }, options);
  t.match(readFileSync(join(stateDir, "strikes"), "utf8"), "gpio /dev/gpiochip0 17 1 GPIO17");
  t.equal(sim.levelOf("GPIO17"), 1);
  hardware.close();
});

t.test("doors are served where that file cannot be written, and somebody is told", async (t) => {
  const noFolder = join(temporaryFolder(t), "file");
  writeFileSync(noFolder, "");
  const { stateDir, ...options } = optionsIn(t, { RUNTIME_DIRECTORY: noFolder });
  const { gpio } = kernelLines(options.clock);
  openLines = () => gpio;
  const board = linux(join(boards, "raspberry-pi.toml"));
  const hardware = await openHardware({ board, stateDir, site }, options);
  t.match(options.logged.join(""), /nobody will secure the strikes/);
  hardware.close();
});

t.test(
  "a line that cannot be had is told with the profile, and no strike is left released",
  async (t) => {
    const { stateDir, ...options } = optionsIn(t);
    const { gpio, sim } = kernelLines(options.clock);
    openLines = () => gpio;
    const profileFile = join(boards, "raspberry-pi.toml");
    sim.openInputs({ lines: ["GPIO21"], bias: "none" });
    const refused = openHardware({ board: linux(profileFile), stateDir, site }, options);
    await t.rejects(refused, {
      name: "StartRefused",
      message: /raspberry-pi\.toml: the board cannot be opened: .*GPIO21/,
    });
    t.equal(sim.levelOf("GPIO17"), 0);
  },
);

t.test("a board that cannot be served to the end of its start lets go of every line", async (t) => {
  const { stateDir, ...options } = optionsIn(t);
  const { gpio, sim } = kernelLines(options.clock);
  openLines = () => ({
    ...gpio,
    addressOf: () => {
      throw new halError.HalError("not_found", "the kernel does not know this output");
    },
  });
  const board = linux(join(boards, "raspberry-pi.toml"));
  await t.rejects(openHardware({ board, stateDir, site }, options), {
    name: "StartRefused",
    message: /the kernel does not know this output/,
  });
  sim.openInputs({ lines: headerLines, bias: "none" });
});

t.test("a machine without GPIO is told as a refusal, not as a crash", async (t) => {
  const { stateDir, ...options } = optionsIn(t);
  openLines = () => {
    throw new halError.HalError("not_found", "there is no GPIO chip in /dev");
  };
  const profileFile = join(boards, "raspberry-pi.toml");
  await t.rejects(openHardware({ board: linux(profileFile), stateDir, site }, options), {
    name: "StartRefused",
    message: /there is no GPIO chip/,
  });
});

t.test("each board's profile can be tried on the simulated board", async (t) => {
  for (const name of ["raspberry-pi", "raspberry-pi-mcp23017", "kincony-pi5r8"]) {
    const { stateDir, ...options } = optionsIn(t);
    const profileFile = join(boards, `${name}.toml`);
    const board = { kind: "sim", profileFile, port: 0 } as const;
    const hardware = await openHardware({ board, stateDir, site }, options);
    const face = await hardware.openFace(Promise.resolve());
    const seen = await fetch(`${face?.url}/sim`);
    t.match(await seen.json(), { doors: { front: { strike: "secured" } } });
    await face?.close();
    hardware.close();
    rmSync(stateDir, { recursive: true });
  }
});

t.test("a keypad of bare switches is not simulated, and its profile says so", async (t) => {
  const { stateDir, ...options } = optionsIn(t);
  const profileFile = join(stateDir, "board.toml");
  const keypad = `
[[readers]]
id = "keys"
door = "front"
matrix = { rows = ["r1", "r2", "r3", "r4"], columns = ["c1", "c2", "c3"] }
`;
  writeFileSync(profileFile, readFileSync(join(boards, "sim.toml"), "utf8") + keypad);
  const board = { kind: "sim", profileFile, port: 0 } as const;
  await t.rejects(openHardware({ board, stateDir, site }, options), {
    name: "StartRefused",
    message: /reader keys: the simulated board has Wiegand readers alone/,
  });
});
