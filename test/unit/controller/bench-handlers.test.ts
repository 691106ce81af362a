import t from "tap";
import { type BenchHandlers, benchHandlers } from "../../../src/controller/bench-handlers.ts";
import type { LocalFeed } from "../../../src/controller/local-feed.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import type { Result } from "../../../src/domain/result.ts";
import type { LocalFault } from "../../../src/protocols/local/local-message.ts";
import type { LocalLine, LocalPresentation } from "../../../src/protocols/local/local-reports.ts";
import { site } from "./door-people.ts";
import { adaBits, front, open, strangerBits } from "./door-rig.ts";

function openBench(settings: Parameters<typeof site>[0] = {}) {
  const world = open(site(settings));
  const { board, controller, clock, events } = world;
  const bench = benchHandlers({
    board,
    doors: controller,
    clock,
    record: (event) => events.push(event),
  });
  return { ...world, bench };
}

function feedOf(opened: Result<LocalFeed, LocalFault>): LocalFeed {
  if (!opened.ok) throw new Error(opened.fault.message);
  return opened.value;
}

function takeAll<Item>(feed: LocalFeed): readonly Item[] {
  const taken: Item[] = [];
  for (let item = feed.take(); item !== undefined; item = feed.take()) taken.push(item as Item);
  return taken;
}

const pulseFront = (bench: BenchHandlers, forMs = 500) => bench.pulse({ door: front.door, forMs });

t.test("a pulse releases the strike, is journalled, and is over after its time", async (t) => {
  const { bench, strikes, events, clock } = openBench();
  t.same(pulseFront(bench), { ok: true, value: { door: "front", forMs: 500 } });
  t.same(strikes(), ["released", "secured"]);
  t.same(events.at(-1), { kind: "strike_pulsed", door: "front", forMs: 500 });
  await clock.elapse(499);
  t.equal(strikes()[0], "released");
  await clock.elapse(2);
  t.equal(strikes()[0], "secured");
});

t.test("a pulse beyond the coil's limit is as long as that, and says so", async (t) => {
  const { bench, strikes, clock } = openBench({ front: { strikeOnMaxMs: 2_000 } });
  t.same(pulseFront(bench, 10_000), { ok: true, value: { door: "front", forMs: 2_000 } });
  await clock.elapse(2_001);
  t.equal(strikes()[0], "secured");
});

t.test("what keeps people out keeps a technician's pulse out, and it says why", async (t) => {
  const refusal = (world: ReturnType<typeof openBench>) => {
    const before = world.strikes()[0];
    const pulsed = pulseFront(world.bench);
    t.equal(world.strikes()[0], before, "the strike did not move");
    t.notOk(world.events.some(({ kind }) => kind === "strike_pulsed"));
    return pulsed.ok ? "released" : pulsed.fault.message;
  };
  for (const posture of ["lockdown", "disabled"] as const) {
    const world = openBench();
    world.controller.override(front.door, { posture, until: "cleared" });
    t.match(refusal(world), posture);
  }
  const unlocked = openBench();
  unlocked.controller.override(front.door, { posture: "unlocked", until: "cleared" });
  t.match(refusal(unlocked), "unlocked");
  const fire = openBench();
  fire.sim.setAlarm({ kind: "fire" }, "raised");
  await fire.clock.elapse(400);
  t.match(refusal(fire), "fire alarm");
  const ajar = openBench();
  ajar.sim.setLeaf(front.door, "open");
  await ajar.clock.elapse(400);
  t.match(refusal(ajar), "leaf is open");
  const interlocked = openBench({ front: { interlock: [doorId("lab")] } });
  interlocked.sim.setLeaf(doorId("lab"), "open");
  await interlocked.clock.elapse(400);
  t.match(refusal(interlocked), "interlock");
});

t.test("a door or reader that the board does not have is told by its argument", async (t) => {
  const { bench } = openBench();
  const nowhere = readerId("nowhere");
  const answers = [
    bench.pulse({ door: doorId("nowhere"), forMs: 500 }),
    bench.showLight({ reader: nowhere, light: "red", forMs: 1_000 }),
    bench.watchReader({ reader: nowhere, bits: false }),
  ];
  for (const answer of answers) {
    if (answer.ok) throw new Error("it was taken");
    t.match(answer.fault, { code: "bad_request", message: /expected one of front, lab$/ });
  }
});

t.test("a light on trial goes out after its time, and what is due comes back", async (t) => {
  const { bench, sim, clock } = openBench();
  await clock.elapse(1_000);
  const led = () => sim.state().readers["front"]?.led;
  t.equal(led(), "red");
  bench.showLight({ reader: front.reader, light: "green", forMs: 5_000 });
  t.equal(led(), "green");
  await clock.elapse(4_900);
  t.equal(led(), "green");
  await clock.elapse(200);
  t.equal(led(), "red");
  bench.showLight({ reader: front.reader, light: "boot", forMs: 5_000 });
  t.equal(led(), "amber");
});

t.test(
  "a light on trial gives way to the answer to a tap, which it does not cut short",
  async (t) => {
    const { bench, sim, clock, tap } = openBench();
    const led = () => sim.state().readers["front"]?.led;
    bench.showLight({ reader: front.reader, light: "green", forMs: 600 });
    // Denied 230 ms from here on: three flashes of red, which the end of the trial falls into.
    await tap(front.reader, strangerBits);
    const seen = new Set<string | undefined>();
    for (let at = 400; at < 900; at += 20) {
      await clock.elapse(20);
      if (at > 620) seen.add(led());
    }
    t.same([...seen].sort(), ["off", "red"], "it flashes on");
    await clock.elapse(1_000);
    t.equal(led(), "red");
  },
);

t.test("who watches a reader sees each frame, and its bits only where he asks", async (t) => {
  for (const bits of [false, true]) {
    const { bench, events, tap } = openBench();
    const feed = feedOf(bench.watchReader({ reader: front.reader, bits }));
    t.same(events.at(-1), {
      kind: "reader_watched",
      reader: "front",
      bits: bits ? "shown" : "masked",
    });
    await tap(front.reader, adaBits);
    const [seen, ...others] = takeAll<LocalPresentation>(feed);
    t.match(seen, { kind: "card", verdict: "ok", format: "H10301", bitCount: 26, missedCount: 0 });
    t.match(seen?.health, { frameCount: 1, lostEdgeCount: 0 });
    t.equal(seen?.spacingsUs.length, 25);
    t.equal(seen?.bits, bits ? adaBits : undefined);
    t.same(others, []);
    feed.close();
    await tap(front.reader, adaBits);
    t.equal(feed.take(), undefined, "nothing is seen any more");
  }
});

t.test("the keys of a PIN are never shown, and nor is what may have been some", async (t) => {
  const { bench, type, sim, clock } = openBench();
  const feed = feedOf(bench.watchReader({ reader: front.reader, bits: true }));
  await type(front.reader, "2468");
  const sent = sim.presentCard(front.reader, "1010101");
  await clock.elapse(500);
  await sent;
  const seen = takeAll<LocalPresentation>(feed);
  t.same(
    seen.map(({ kind }) => kind),
    ["key", "key", "key", "key", "misread"],
  );
  t.notMatch(JSON.stringify(seen), /"bits"|digits|"key":/);
});

t.test(
  "a client that reads nothing loses frames, is told how many, and costs nothing",
  async (t) => {
    const { bench, tap } = openBench();
    const feed = feedOf(bench.watchReader({ reader: front.reader, bits: false }));
    for (let at = 0; at < 70; at += 1) await tap(front.reader, adaBits);
    t.equal(takeAll(feed).length, 64);
    await tap(front.reader, adaBits);
    t.match(feed.take(), { missedCount: 6 });
  },
);

t.test("every line is told with what it means, and then those that change", async (t) => {
  const { bench, sim, clock } = openBench();
  const feed = feedOf(bench.lines());
  const lines = new Map(takeAll<LocalLine>(feed).map((line) => [line.line, line]));
  t.match(lines.get("relay1"), { use: "strike of door front", level: 0, meaning: "secured" });
  t.match(lines.get("contact1"), { use: "contact of door front", meaning: "closed" });
  t.match(lines.get("contact1-cut"), { meaning: "sound" });
  t.match(lines.get("rex2"), { direction: "input", meaning: "idle" });
  t.match(lines.get("reader2-d0"), { use: "D0 of reader lab", level: 1, meaning: "at rest" });
  t.match(lines.get("fire"), { meaning: "no fire" });
  t.match(lines.get("tamper"), { meaning: "shut" });
  let newsCount = 0;
  feed.onNews(() => {
    newsCount += 1;
  });
  sim.setLeaf(front.door, "open");
  pulseFront(bench);
  await clock.elapse(60);
  t.equal(newsCount, 1, "changes of one moment are told together");
  const changed = takeAll<LocalLine>(feed);
  t.match(
    changed.find(({ line }) => line === "contact1"),
    { meaning: "open", changeCount: 1 },
  );
  feed.close();
  sim.setLeaf(front.door, "closed");
  await clock.elapse(400);
  t.equal(newsCount, 1);
});

t.test("a burst on a reader's lines is told of as one change with its count", async (t) => {
  const { bench, tap } = openBench();
  const feed = feedOf(bench.lines());
  takeAll(feed);
  await tap(front.reader, adaBits);
  const told = takeAll<LocalLine>(feed).filter(({ line }) => line.startsWith("reader1-d"));
  t.equal(told.length, 2);
  const edgeCount = told.reduce((sum, { changeCount }) => sum + changeCount, 0);
  t.equal(edgeCount, 52);
});
