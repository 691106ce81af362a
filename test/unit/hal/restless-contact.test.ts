import t from "tap";
import type { ContactWiring } from "../../../hal/board-profile.ts";
import { openAlarmInput } from "../../../hal/lines/alarm-input.ts";
import { openDoorPosition } from "../../../hal/lines/door-position.ts";
import { openRequestToExit } from "../../../hal/lines/request-to-exit.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { type PlannedPull, SimGpio } from "../../../hal/sim/sim-gpio.ts";
import {
  type DoorInput,
  doorTroubles,
  initialDoor,
  stepDoor,
} from "../../../src/core/door-machine.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { edgeNs, type MonotonicMs } from "../../../src/domain/time.ts";

const wiring: ContactWiring = { line: "contact", contact: "normally_closed", debounceMs: 20 };
const supervised: ContactWiring = {
  ...wiring,
  supervision: { cutLine: "cut", shortedLine: "shorted", activeLevel: 0 },
};

/** Closed pulls to ground, open leaves the pull-up. */
const closed = 0;
const open = "let_go";

function lines() {
  const clock = new SimClock({ monotonicAt: 0 });
  const gpio = new SimGpio({ clock, lines: ["contact", "cut", "shorted"] });
  gpio.pull("contact", closed);
  return { clock, gpio };
}

/** A loose wire: it opens at once and then changes each `everyMs`; it ends closed. */
function rattle(
  gpio: SimGpio,
  {
    from,
    to,
    everyMs,
    line = "contact",
  }: Record<"from" | "to" | "everyMs", number> & {
    readonly line?: string;
  },
): void {
  const pulls: PlannedPull[] = [];
  let pull: PlannedPull["pull"] = line === "contact" ? open : 0;
  const other = pull;
  for (let at = from; at < to || pull !== other; at += everyMs) {
    pulls.push({ line, pull, at: edgeNs(Math.round(at * 1e6)) });
    pull = pull === open ? closed : open;
  }
  gpio.plan(pulls);
}

type Told = readonly (readonly [state: string, at: MonotonicMs])[];

function changesEach(told: Told): boolean {
  return told.every(([state], index) => index === 0 || state !== told[index - 1]?.[0]);
}

t.test("a contact that never rests is told as changes, and then as what it rests at", async (t) => {
  const { clock, gpio } = lines();
  const position = openDoorPosition({ gpio, clock, wiring });
  const told: [string, MonotonicMs][] = [];
  position.listen((leaf, at) => {
    told.push([leaf, at]);
    t.equal(position.read(), leaf);
  });
  rattle(gpio, { from: 100, to: 6_000, everyMs: 3 });
  await clock.elapse(1_050);
  t.same(told, [], "a second of bounces is believed to be one");
  await clock.elapse(8_000);
  t.ok(changesEach(told));
  const gaps = told.slice(1).map(([, at], index) => at - (told[index]?.[1] ?? 0));
  const [last = 0] = gaps.slice(-1);
  t.ok(told.length >= 24 && told.length <= 27, `five a second: ${told.length}`);
  t.ok(
    gaps.slice(0, -1).every((gap) => gap >= 200 && gap < 210),
    `${gaps}`,
  );
  t.equal(told.at(-1)?.[0], "closed");
  t.ok(last > 0, "rest is told with its own time");
  t.equal(position.read(), "closed");
  t.equal(clock.alarmCount, 0, "nothing ticks once it rests");
});

t.test("a contact that rests now and then is one that bounces", async (t) => {
  const { clock, gpio } = lines();
  const told: unknown[] = [];
  openDoorPosition({ gpio, clock, wiring }).listen((leaf, at) => told.push([leaf, at]));
  for (let from = 100; from < 5_000; from += 900) {
    rattle(gpio, { from, to: from + 850, everyMs: 3 });
  }
  await clock.elapse(6_000);
  t.same(told, [], "each time it rests where it was");
});

t.test("a few edges over a long time are no loose wire", async (t) => {
  const { clock, gpio } = lines();
  const told: unknown[] = [];
  const slow = { ...wiring, debounceMs: 1_000 };
  openDoorPosition({ gpio, clock, wiring: slow }).listen((leaf, at) => told.push([leaf, at]));
  rattle(gpio, { from: 100, to: 9_000, everyMs: 500 });
  await clock.elapse(12_000);
  t.same(told, []);
});

t.test("a stall changes nothing of what is told", async (t) => {
  const tell = async (pass: (clock: SimClock) => Promise<void>) => {
    const { clock, gpio } = lines();
    const told: unknown[] = [];
    openDoorPosition({ gpio, clock, wiring }).listen((leaf, at) => told.push([leaf, at]));
    rattle(gpio, { from: 100, to: 3_000, everyMs: 7 });
    await pass(clock);
    return told;
  };
  const prompt = await tell((clock) => clock.elapse(4_000));
  const stalled = await tell(async (clock) => {
    clock.stall(900);
    await clock.elapse(700);
    clock.stall(1_200);
    await clock.elapse(1_200);
  });
  t.ok(prompt.length > 5);
  t.same(stalled, prompt);
});

const settings = { id: doorId("front"), name: "Front", ...doorDefaults };

/** The door's own view of what an input tells, fed as the controller feeds it. */
function watchedDoor(clock: SimClock) {
  const found = { leaf: "closed", rex: "idle" } as const;
  let state = initialDoor(settings, found, clock.monotonic());
  return {
    feed: (input: DoorInput) => {
      ({ state } = stepDoor(settings, state, input, clock.monotonic()));
    },
    troubles: () => {
      ({ state } = stepDoor(settings, state, { kind: "deadline_reached" }, clock.monotonic()));
      return doorTroubles(state);
    },
  };
}

for (const everyMs of [1, 3, 10, 19]) {
  t.test(`a contact that changes each ${everyMs} ms is a chatter to its door`, async (t) => {
    const { clock, gpio } = lines();
    const door = watchedDoor(clock);
    openDoorPosition({ gpio, clock, wiring }).listen((leaf) => door.feed({ kind: "leaf", leaf }));
    rattle(gpio, { from: 100, to: 15_000, everyMs });
    await clock.elapse(3_000);
    t.same(door.troubles(), ["contact_chatter"]);
    await clock.elapse(11_900);
    t.same(door.troubles(), ["contact_chatter"], "for as long as it lasts");
    await clock.elapse(12_000);
    t.same(door.troubles(), []);
  });

  t.test(`a REX that changes each ${everyMs} ms is a chatter to its door`, async (t) => {
    const { clock, gpio } = lines();
    const door = watchedDoor(clock);
    openRequestToExit({ gpio, clock, wiring }).listen((state) => door.feed({ kind: "rex", state }));
    rattle(gpio, { from: 100, to: 15_000, everyMs });
    await clock.elapse(6_000);
    t.same(door.troubles(), ["rex_chatter"]);
    await clock.elapse(8_900);
    t.same(door.troubles(), ["rex_chatter"], "for as long as it lasts");
    await clock.elapse(12_000);
    t.same(door.troubles(), []);
  });
}

t.test("a fire relay that never rests is raised once, until it rests", async (t) => {
  const { clock, gpio } = lines();
  const fire = openAlarmInput({ gpio, clock, wiring });
  const told: [string, number][] = [];
  fire.listen((state, at) => told.push([state, at]));
  rattle(gpio, { from: 100, to: 10_000, everyMs: 3 });
  await clock.elapse(9_000);
  t.equal(fire.read(), "raised");
  await clock.elapse(3_000);
  t.same(
    told.map(([state]) => state),
    ["raised", "idle"],
    "doors do not lock and unlock with a loose wire",
  );
  t.ok((told[0]?.[1] ?? 0) < 1_200);
  t.ok((told[1]?.[1] ?? 0) > 9_990);
  rattle(gpio, { from: 13_000, to: 13_900, everyMs: 3 });
  await clock.elapse(3_000);
  t.equal(told.length, 2, "a spark is no fire");
});

t.test("a wire that flickers between sound and cut is told as cut until it rests", async (t) => {
  for (const openInput of [openDoorPosition, openAlarmInput]) {
    const { clock, gpio } = lines();
    const input = openInput({ gpio, clock, wiring: supervised });
    const told: string[] = [];
    input.listen((state: string) => told.push(state));
    rattle(gpio, { from: 100, to: 8_000, everyMs: 4, line: "cut" });
    await clock.elapse(7_000);
    t.equal(input.read(), "cut");
    await clock.elapse(3_000);
    t.equal(told.length, 2, `no flood of faults and recoveries: ${told}`);
    t.match(told, ["cut", /closed|idle/]);
  }
});
