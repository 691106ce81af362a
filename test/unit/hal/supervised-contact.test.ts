import t from "tap";
import type { ContactWiring } from "../../../hal/board-profile.ts";
import { openAlarmInput } from "../../../hal/lines/alarm-input.ts";
import { openDoorPosition } from "../../../hal/lines/door-position.ts";
import { openRequestToExit } from "../../../hal/lines/request-to-exit.ts";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimContact, type SimWire } from "../../../hal/sim/sim-contact.ts";
import { SimGpio } from "../../../hal/sim/sim-gpio.ts";
import { edgeNs } from "../../../src/domain/time.ts";
import { halErrorOf } from "./sim-rig.ts";

const devices = [
  { name: "door contact", open: openDoorPosition, rest: "closed", active: "open" },
  { name: "REX", open: openRequestToExit, rest: "idle", active: "pressed" },
  { name: "alarm input", open: openAlarmInput, rest: "idle", active: "raised" },
] as const;

const plain: ContactWiring = { line: "contact", contact: "normally_closed", debounceMs: 20 };

function supervised(
  contact: ContactWiring["contact"] = "normally_closed",
  activeLevel: 0 | 1 = 1,
): ContactWiring {
  const supervision = { cutLine: "cut", shortedLine: "shorted", activeLevel };
  return { ...plain, contact, supervision };
}

function openWired(wiring: ContactWiring, device: (typeof devices)[number] = devices[0]) {
  const clock = new SimClock({ monotonicAt: 0 });
  const gpio = new SimGpio({ clock, lines: ["contact", "cut", "shorted"] });
  const contact = new SimContact({ gpio, wiring });
  clock.advance(5);
  const input = device.open({ gpio, clock, wiring });
  const told: [string, number][] = [];
  input.listen((state, at) => told.push([state, at]));
  const elapseTo = (ms: number) => clock.elapse(ms - clock.monotonic());
  return { clock, gpio, contact, input, told, elapseTo };
}

for (const device of devices) {
  for (const wiring of [supervised("normally_closed", 1), supervised("normally_open", 0)]) {
    const { rest, active } = device;
    t.test(`a supervised ${device.name}, ${wiring.contact}, tells all four states`, async (t) => {
      const { contact, input, told, elapseTo, clock } = openWired(wiring, device);
      t.equal(input.read(), rest);
      const moves = [
        [() => contact.move("active"), active],
        [() => contact.setWire("cut"), "cut"],
        [() => contact.move("rest"), "cut"],
        [() => contact.setWire("sound"), rest],
        [() => contact.setWire("shorted"), "shorted"],
        [() => contact.setWire("cut"), "cut"],
        [() => contact.setWire("shorted"), "shorted"],
        [() => contact.move("active"), "shorted"],
        [() => contact.setWire("sound"), active],
        [() => contact.move("rest"), rest],
      ] as const;
      for (const [index, [move, expected]] of moves.entries()) {
        await elapseTo(100 * (index + 1));
        move();
        await elapseTo(100 * (index + 1) + 50);
        t.equal(input.read(), expected, `after move ${index}`);
      }
      t.same(
        told.map(([state]) => state),
        [active, "cut", rest, "shorted", "cut", "shorted", active, rest],
        "each change once, and nothing while the wire hides the contact",
      );
      t.equal(clock.alarmCount, 0, "nothing ticks at rest");
    });
  }

  t.test(
    `the ${device.name} whose wire is at fault at start is found so, without an event`,
    async (t) => {
      for (const wire of ["cut", "shorted"] as const) {
        const wiring = supervised();
        const clock = new SimClock({ monotonicAt: 0 });
        const gpio = new SimGpio({ clock, lines: ["contact", "cut", "shorted"] });
        new SimContact({ gpio, wiring }).setWire(wire);
        clock.advance(50);
        const input = device.open({ gpio, clock, wiring });
        const told: unknown[] = [];
        input.listen((state) => told.push(state));
        await clock.elapse(1_000);
        t.equal(input.read(), wire);
        t.same(told, [], "and no event is made of it");
        input.close();
        t.doesNotThrow(() => gpio.openInputs({ lines: gpio.lines, bias: "none" }));
      }
    },
  );
}

t.test("an unsupervised wire reads open when cut and closed when shorted", async (t) => {
  const { contact, input, told, elapseTo } = openWired(plain);
  contact.setWire("cut");
  await elapseTo(50);
  t.equal(input.read(), "open");
  contact.move("active");
  contact.move("rest");
  await elapseTo(100);
  t.equal(input.read(), "open", "whatever the leaf does");
  contact.move("active");
  contact.setWire("shorted");
  await elapseTo(200);
  t.equal(input.read(), "closed", "a bridge over the contact hides an open leaf: supervise it");
  contact.setWire("sound");
  await elapseTo(300);
  t.same(
    told.map(([state]) => state),
    ["open", "closed", "open"],
  );
});

t.test("a cut wire is not an open leaf first, though its comparator is slower", async (t) => {
  const { contact, told, elapseTo } = openWired(supervised());
  await elapseTo(100);
  contact.setWire("cut");
  await elapseTo(200);
  t.same(told, [["cut", 100]], "with the time of the first edge on any of its lines");
  contact.setWire("sound");
  await elapseTo(300);
  t.same(told.slice(1), [["closed", 201]], "until the comparator tells, it is cut");
});

t.test("a wire that is cut for less than the debounce time is nothing", async (t) => {
  const { contact, input, told, elapseTo, clock } = openWired(supervised());
  contact.setWire("cut");
  await elapseTo(18);
  contact.setWire("sound");
  await elapseTo(500);
  t.same(told, []);
  t.equal(input.read(), "closed");
  t.equal(clock.alarmCount, 0);
});

t.test("edges of a contact behind a cut wire do not keep the cut from being told", async (t) => {
  const { gpio, contact, told, elapseTo } = openWired(supervised());
  await elapseTo(100);
  contact.setWire("cut");
  // Noise on the loose end, as long as anybody cares to look.
  for (let at = 102; at < 400; at += 3) {
    await elapseTo(at);
    gpio.pull("contact", at % 2 === 0 ? 0 : "let_go");
  }
  t.same(told, [["cut", 100]]);
});

t.test("a comparator's edge that was lost is found by looking, and not forgotten", async (t) => {
  const { gpio, contact, input, clock, told, elapseTo } = openWired(supervised());
  gpio.setFaults({ seed: 1, board: {}, lines: { cut: { lostEdge: 1 } } });
  await elapseTo(100);
  contact.setWire("cut");
  await elapseTo(500);
  t.same(told, [["cut", 100]]);
  // Read all at once, so that only the edges can tell how long each level held.
  const noise = [
    [600, 0],
    [650, "let_go"],
  ] as const;
  gpio.plan(noise.map(([ms, pull]) => ({ line: "contact", pull, at: edgeNs(ms * 1e6) })));
  clock.stall(200);
  await elapseTo(1_500);
  t.equal(told.length, 1);
  t.equal(input.read(), "cut");
});

t.test("a board that has lost one comparator line opens nothing", async (t) => {
  for (const taken of ["contact", "cut", "shorted"]) {
    const clock = new SimClock();
    const gpio = new SimGpio({ clock, lines: ["contact", "cut", "shorted"] });
    const holder = gpio.openInputs({ lines: [taken], bias: "none" });
    for (const { open } of devices) {
      const error = halErrorOf(() => open({ gpio, clock, wiring: supervised() }));
      t.match(error, { kind: "in_use" });
    }
    holder.close();
    t.doesNotThrow(() => gpio.openInputs({ lines: gpio.lines, bias: "none" }));
  }
});

t.test("whatever people do to leaf and wire, what is believed is what is true", async (t) => {
  const seed = seedFor(process.env["POSTERN_SEED"]);
  t.comment(`POSTERN_SEED=${seed}`);
  const random = new Seeded(seed);
  for (let run = 0; run < 40; run += 1) {
    const wiring = supervised(random.pick(["normally_closed", "normally_open"]));
    const { contact, input, told, clock, gpio } = openWired(wiring);
    gpio.setFaults({ seed: random.between(0, 2 ** 31), board: { bounce: 0.5 }, lines: {} });
    for (let move = 0; move < 30; move += 1) {
      if (random.chance(0.5)) contact.move(random.pick(["rest", "active"]));
      else contact.setWire(random.pick<SimWire>(["sound", "cut", "shorted"]));
      if (random.chance(0.3)) clock.stall(random.between(1, 100));
      if (random.chance(0.5)) continue;
      await clock.elapse(100);
      const leaf = contact.state === "active" ? "open" : "closed";
      const truth = contact.wire === "sound" ? leaf : contact.wire;
      const believed = told.at(-1)?.[0] ?? "closed";
      if (input.read() === truth && believed === truth) continue;
      t.fail(`POSTERN_SEED=${seed} run ${run} move ${move}: ${truth}, told ${believed}`);
      return;
    }
    const times = told.map(([, at]) => at);
    t.same(
      times,
      times.toSorted((a, b) => a - b),
      `POSTERN_SEED=${seed}: in order`,
    );
  }
});
