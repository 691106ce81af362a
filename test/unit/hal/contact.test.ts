import t from "tap";
import type { ContactWiring } from "../../../hal/board-profile.ts";
import { openDoorPosition } from "../../../hal/lines/door-position.ts";
import { openRequestToExit } from "../../../hal/lines/request-to-exit.ts";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimGpio } from "../../../hal/sim/sim-gpio.ts";

/** Closed pulls to ground, open leaves the pull-up. */
const closed = 0;
const open = "let_go";

function openContact(contact: ContactWiring["contact"] = "normally_closed", debounceMs = 20) {
  const clock = new SimClock({ monotonicAt: 0 });
  const gpio = new SimGpio({ clock, lines: ["contact"] });
  gpio.pull("contact", contact === "normally_closed" ? closed : open);
  const wiring = { line: "contact", contact, debounceMs };
  const position = openDoorPosition({ gpio, clock, wiring });
  const told: [string, number][] = [];
  position.listen((leaf, at) => told.push([leaf, at]));
  return { clock, gpio, position, told };
}

for (const contact of ["normally_closed", "normally_open"] as const) {
  const [shut, apart] =
    contact === "normally_closed" ? ([closed, open] as const) : ([open, closed] as const);

  t.test(`a ${contact} switch tells an open leaf from a closed one`, async (t) => {
    const { clock, gpio, position, told } = openContact(contact);
    t.equal(position.read(), "closed");
    clock.advance(100);
    gpio.pull("contact", apart);
    await clock.elapse(100);
    t.equal(position.read(), "open");
    gpio.pull("contact", shut);
    await clock.elapse(100);
    t.equal(position.read(), "closed");
    t.same(told, [
      ["open", 100],
      ["closed", 200],
    ]);
    t.equal(clock.alarmCount, 0, "nothing ticks while the leaf rests");
  });

  t.test(`a ${contact} button tells pressed from idle, and the state it starts in`, async (t) => {
    const clock = new SimClock({ monotonicAt: 0 });
    const gpio = new SimGpio({ clock, lines: ["contact"] });
    gpio.pull("contact", apart);
    const wiring = { line: "contact", contact, debounceMs: 20 };
    const rex = openRequestToExit({ gpio, clock, wiring });
    t.equal(rex.read(), "pressed", "held down at start");
    const told: unknown[] = [];
    rex.listen((state, at) => told.push([state, at]));
    await clock.elapse(1_000);
    t.same(told, [], "and no event is made of it");
    gpio.pull("contact", shut);
    await clock.elapse(100);
    t.same(told, [["idle", 1_000]]);
    rex.close();
    gpio.pull("contact", apart);
    await clock.elapse(100);
    t.equal(told.length, 1);
  });
}

t.test("a contact that bounces is told once, with the time of its first edge", async (t) => {
  const { clock, gpio, told } = openContact();
  clock.advance(50);
  for (const wait of [3, 1, 5, 2, 19, 0]) {
    gpio.pull("contact", open);
    await clock.elapse(wait / 2);
    gpio.pull("contact", closed);
    await clock.elapse(wait / 2);
  }
  gpio.pull("contact", open);
  await clock.elapse(19);
  t.same(told, [], "not before the level has held");
  await clock.elapse(2);
  t.same(told, [["open", 50]]);
});

t.test("a touch shorter than the debounce time is nothing", async (t) => {
  const { clock, gpio, told, position } = openContact();
  gpio.pull("contact", open);
  await clock.elapse(19);
  gpio.pull("contact", closed);
  await clock.elapse(500);
  t.same(told, []);
  t.equal(position.read(), "closed");
  t.equal(clock.alarmCount, 0);
});

t.test("an edge at an odd nanosecond is believed by one timer, not by thousands", async (t) => {
  const { clock, gpio, told } = openContact();
  let at = 100_000_001;
  // Until going to milliseconds and back loses a digit of the instant at which it is believed.
  while (((at + 20e6) / 1e6) * 1e6 >= at + 20e6) at += 1;
  gpio.plan([{ line: "contact", pull: open, at: at as never }]);
  let alarmCount = 0;
  const { alarm } = clock;
  clock.alarm = (due, fired) => {
    alarmCount += 1;
    if (alarmCount > 10) throw new Error("a timer that arms itself for now");
    return alarm.call(clock, due, fired);
  };
  await clock.elapse(200);
  t.same(told, [["open", at / 1e6]]);
});

t.test("a stall changes no time and loses no opening", async (t) => {
  const { clock, gpio, told } = openContact();
  const plan = [
    [100, open],
    [400, closed],
    [410, open],
    [415, closed],
    [700, open],
    [710, closed],
  ] as const;
  gpio.plan(plan.map(([ms, pull]) => ({ line: "contact", pull, at: (ms * 1e6) as never })));
  clock.stall(2_000);
  await clock.elapse(100);
  t.same(
    told,
    [
      ["open", 100],
      ["closed", 400],
    ],
    "the leaf was open for 300 ms while nobody looked; the touch at 700 ms was too short",
  );
});

t.test("a timer that fires late does not believe a level that has gone", async (t) => {
  const { clock, gpio, told } = openContact();
  gpio.pull("contact", open);
  await clock.elapse(10);
  clock.stall(30);
  gpio.pull("contact", closed);
  await clock.elapse(0);
  await clock.elapse(500);
  t.same(
    told,
    [
      ["open", 0],
      ["closed", 40],
    ],
    "it held for 40 ms by its stamps, then went back",
  );
});

t.test("an edge that the level announces is waited for, and its stamp decides", async (t) => {
  const { clock, gpio, told } = openContact();
  gpio.pull("contact", open);
  await clock.elapse(10);
  clock.stall(30);
  gpio.setFaults({ seed: 1, board: { lateCallback: 1 }, lines: {} });
  gpio.pull("contact", closed);
  await clock.elapse(500);
  t.same(told, [
    ["open", 0],
    ["closed", 40],
  ]);
});

t.test("an edge that was lost is found again by looking at the line", async (t) => {
  const { clock, gpio, told, position } = openContact();
  gpio.pull("contact", open);
  gpio.setFaults({ seed: 1, board: {}, lines: { contact: { lostEdge: 1 } } });
  await clock.elapse(5);
  gpio.pull("contact", closed);
  await clock.elapse(500);
  t.same(told, [], "it was back before it could be believed");
  t.equal(position.read(), "closed");
});

t.test("two edges to one level say that it did not hold: the one between was lost", async (t) => {
  const { clock, gpio, told } = openContact();
  gpio.pull("contact", open);
  await clock.elapse(10);
  gpio.setFaults({ seed: 1, board: {}, lines: { contact: { lostEdge: 1 } } });
  gpio.pull("contact", closed);
  gpio.setFaults({ seed: 1, board: {}, lines: {} });
  await clock.elapse(5);
  gpio.pull("contact", open);
  await clock.elapse(15);
  gpio.pull("contact", closed);
  await clock.elapse(500);
  t.same(told, [], "it was never open for longer than 15 ms");
});

t.test("what is told is what an observer of the level would tell, stalled or not", async (t) => {
  const seed = seedFor(process.env["POSTERN_SEED"]);
  t.comment(`POSTERN_SEED=${seed}`);
  const random = new Seeded(seed);
  const debounceMs = 20;
  for (let run = 0; run < 60; run += 1) {
    const { clock, gpio, told } = openContact("normally_closed", debounceMs);
    const edges: number[] = [];
    let at = 5;
    for (let count = 0; count < 40; count += 1) {
      at += random.chance(0.6) ? random.between(1, 15) : random.between(25, 300);
      edges.push(at);
    }
    gpio.plan(
      edges.map((ms, index) => ({
        line: "contact",
        pull: index % 2 === 0 ? open : closed,
        at: (ms * 1e6) as never,
      })),
    );
    const expected: [string, number][] = [];
    let believed = 0;
    let first: number | undefined;
    for (const [index, edge] of edges.entries()) {
      const level = (index + 1) % 2;
      if (first === undefined && level !== believed) first = edge;
      if ((edges[index + 1] ?? Number.POSITIVE_INFINITY) - edge < debounceMs) continue;
      if (level !== believed && first !== undefined) {
        expected.push([level === 1 ? "open" : "closed", first]);
        believed = level;
      }
      first = undefined;
    }
    while (clock.monotonic() < at + 100) {
      if (random.chance(0.2)) clock.stall(random.between(1, 80));
      await clock.elapse(random.between(1, 20));
    }
    if (JSON.stringify(told) !== JSON.stringify(expected)) {
      t.same(told, expected, `POSTERN_SEED=${seed} run ${run}`);
      return;
    }
  }
  t.pass("60 runs");
});
