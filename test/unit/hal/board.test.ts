import t from "tap";
import type { Gpio, OutputLine } from "../../../hal/gpio.ts";
import { openBoard } from "../../../hal/lines/board.ts";
import { SimBoard } from "../../../hal/sim/sim-board.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { standardFormats } from "../../../src/protocols/wiegand/format.ts";
import { doorOf, halErrorOf, openRig, readerOf, twoDoors } from "./sim-rig.ts";

/** The order in which lines are opened, and outputs closed. */
function recorded(gpio: Gpio): { gpio: Gpio; opened: string[]; closed: string[] } {
  const opened: string[] = [];
  const closed: string[] = [];
  return {
    opened,
    closed,
    gpio: {
      openInputs: (request) => {
        opened.push(...request.lines);
        return gpio.openInputs(request);
      },
      openOutput: (request): OutputLine => {
        opened.push(request.line);
        const output = gpio.openOutput(request);
        return {
          line: output.line,
          drive: (level) => output.drive(level),
          driven: () => output.driven(),
          close: () => {
            closed.push(request.line);
            output.close();
          },
        };
      },
    },
  };
}

t.test(
  "strikes are secured before anything else is opened, and before anything is closed",
  async (t) => {
    const clock = new SimClock();
    const sim = new SimBoard({ profile: twoDoors, clock, formats: standardFormats });
    const { gpio, opened, closed } = recorded(sim.gpio);
    const board = openBoard({ profile: twoDoors, gpio, clock, formats: standardFormats });
    t.same(opened.slice(0, 2), ["front-relay", "lab-relay"]);
    t.equal(sim.state().doors["front"]?.strike, "secured");
    t.equal(sim.state().doors["lab"]?.strike, "secured");
    t.same(
      board.doors.map(({ id, position, rex }) => [id, position !== undefined, rex !== undefined]),
      [
        ["front", true, true],
        ["lab", true, false],
      ],
    );
    t.same(
      board.readers.map(({ id, door }) => [id, door]),
      [
        ["front", "front"],
        ["lab", "lab"],
        ["back", "lab"],
      ],
    );
    t.same(
      [board.fire, board.tamper, ...board.readers.map(({ tamper }) => tamper)].map((alarm) =>
        alarm?.read(),
      ),
      ["idle", "idle", "idle", undefined, undefined],
    );
    board.close();
    t.same(closed.slice(0, 2), ["front-relay", "lab-relay"], "and before a lamp goes out");
  },
);

t.test("a maglock without a controller holds nothing", async (t) => {
  const clock = new SimClock();
  const sim = new SimBoard({ profile: twoDoors, clock, formats: standardFormats });
  t.equal(sim.state().doors["lab"]?.strike, "released", "fail-safe: nobody energizes it yet");
  t.equal(sim.state().doors["front"]?.strike, "secured");
});

t.test("the strike of one door never follows another's", async (t) => {
  const { board, sim } = openRig();
  const strikes = () => {
    const { front, lab } = sim.state().doors;
    return [front?.strike, lab?.strike];
  };
  doorOf(board, "front").strike.drive("released");
  t.same(strikes(), ["released", "secured"]);
  doorOf(board, "lab").strike.drive("released");
  doorOf(board, "front").strike.drive("secured");
  t.same(strikes(), ["secured", "released"]);
});

t.test("a failure at any line closes what was open, with every strike secured", async (t) => {
  const all = new SimBoard({ profile: twoDoors, clock: new SimClock(), formats: standardFormats });
  for (const taken of all.gpio.lines) {
    const clock = new SimClock();
    const sim = new SimBoard({ profile: twoDoors, clock, formats: standardFormats });
    const holder = sim.gpio.openInputs({ lines: [taken], bias: "none" });
    const { gpio } = sim;
    const open = () => openBoard({ profile: twoDoors, gpio, clock, formats: standardFormats });
    t.match(halErrorOf(open), { kind: "in_use" }, taken);
    for (const door of twoDoors.doors) {
      if (door.strike.line === taken) continue;
      // A strike behind the one that failed was never opened, and so is not energized.
      const wasOpened = taken !== "front-relay" || door.id === "front";
      if (wasOpened) t.equal(sim.state().doors[door.id]?.strike, "secured", `${taken}: ${door.id}`);
    }
    clock.advance(1_000);
    t.equal(clock.alarmCount, 0, `${taken}: nothing ticks on`);
    holder.close();
    openBoard({ profile: twoDoors, gpio, clock, formats: standardFormats }).close();
  }
});

t.test("closing secures every strike, even when some lines fail", async (t) => {
  const { board, sim, clock } = openRig();
  for (const { strike } of board.doors) strike.drive("released");
  readerOf(board, "front").indicator.show({ kind: "flash", light: "red", onMs: 100 });
  sim.gpio.setConnection("front-relay", "disconnected");
  sim.gpio.setConnection("front-red", "disconnected");
  t.match(
    halErrorOf(() => board.close()),
    { kind: "io", message: /front-relay/ },
  );
  t.equal(sim.state().doors["lab"]?.strike, "secured");
  clock.advance(1_000);
  t.equal(clock.alarmCount, 0);
  t.equal(
    halErrorOf(() => board.close()),
    undefined,
    "twice is harmless",
  );
  t.match(
    halErrorOf(() => doorOf(board, "lab").strike.drive("released")),
    { kind: "disconnected" },
  );
  sim.gpio.openInputs({ lines: sim.gpio.lines, bias: "pull_up" });
});
