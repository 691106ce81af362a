import t from "tap";
import type { Key } from "../../../hal/reader.ts";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import type { SimBoardChange } from "../../../hal/sim/sim-board.ts";
import { waitingFramesMax } from "../../../hal/sim/sim-reader.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import { bitsOf, doorOf, openRig, readerOf } from "./sim-rig.ts";

const front = readerId("front");
const lab = readerId("lab");
const back = readerId("back");
const keysOf = (text: string) => [...text] as Key[];

t.test("cards arrive over the lines as the bits that were presented", async (t) => {
  const { sim, reports, until } = openRig();
  const cards = [
    [front, "H10301", { facility: 12, number: 34567 }],
    [lab, "H10304", { facility: 65_535, number: 524_287 }],
    [lab, "CSN56", { uid: "04a1b2c3d4e5f6" }],
    [back, "CSN80", { uid: "00112233445566778899" }],
    [front, "H10301", { facility: 0, number: 0 }],
  ] as const;
  for (const [reader, format, fields] of cards) {
    const bits = bitsOf(format, fields);
    const { lastEdgeAt } = await until(sim.presentCard(reader, bits));
    t.match(reports.at(-1), {
      kind: "card",
      reader,
      format,
      raw: rawFromBits(bits),
      at: lastEdgeAt,
    });
  }
  t.equal(reports.length, cards.length);
});

t.test("cards given to one reader at once are read one after the other", async (t) => {
  const { sim, board, reports, until } = openRig();
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  const bits = numbers.map((number) => bitsOf("H10301", { facility: 1, number }));
  await until(Promise.all(bits.map((card) => sim.presentCard(front, card))));
  t.same(
    reports.map((report) => (report.kind === "card" ? report.raw : report.kind)),
    bits.map(rawFromBits),
  );
  t.same(readerOf(board, "front").reader.health().misreadCounts, {});
});

t.test("a good card behind a bad one is read", async (t) => {
  const { sim, reports, until } = openRig();
  const good = bitsOf("H10301", { facility: 1, number: 2 });
  const bad = `${good.startsWith("1") ? "0" : "1"}${good.slice(1)}`;
  await until(Promise.all([sim.presentCard(front, bad), sim.presentCard(front, good)]));
  t.same(
    reports.map((report) => (report.kind === "misread" ? report.verdict : report.kind)),
    ["parity", "card"],
  );
});

t.test("readers do not wait for each other", async (t) => {
  const { sim, until } = openRig();
  const sent = await until(
    Promise.all([
      sim.presentCard(front, bitsOf("H10301", { facility: 1, number: 1 })),
      sim.presentCard(back, bitsOf("CSN80", { uid: "00".repeat(10) })),
    ]),
  );
  const [a, b] = sent.map(({ lastEdgeAt }) => lastEdgeAt ?? 0);
  t.equal(Math.round((b ?? 0) - (a ?? 0)), (80 - 26) * 1e6, "both began at once");
});

t.test("each kind of keypad tells the keys that were pressed", async (t) => {
  const { sim, reports, until } = openRig();
  const keys = keysOf("*0123456789#");
  for (const reader of [front, back]) {
    reports.length = 0;
    await until(sim.typeKeys(reader, keys));
    t.same(
      reports.map((report) => (report.kind === "key" ? report.key : report.kind)),
      keys,
      reader,
    );
  }
});

t.test("a keypad that sends whole PINs sends nothing before #", async (t) => {
  const { sim, reports, until } = openRig();
  for (const unsent of ["99*", "##", "0*12"]) {
    t.equal((await until(sim.typeKeys(lab, keysOf(unsent)))).lastEdgeAt, undefined, unsent);
  }
  await until(sim.typeKeys(lab, keysOf("34#5678#")));
  await until(sim.typeKeys(lab, keysOf("123456#")));
  t.match(reports, [
    { kind: "pin", digits: "1234" },
    { kind: "pin", digits: "5678" },
    { kind: "misread", verdict: "entry_error" },
  ]);
});

t.test("a reader that has too much to send refuses more, and forgets none", async (t) => {
  const { sim, reports, until } = openRig();
  const bits = bitsOf("H10301", { facility: 1, number: 1 });
  const given = Array.from({ length: waitingFramesMax + 1 }, () => sim.presentCard(front, bits));
  await t.rejects(sim.presentCard(front, bits), { name: "ReaderBusy" });
  await until(Promise.all(given));
  t.equal(reports.length, given.length);
});

t.test("closing the board refuses what waits", async (t) => {
  const { sim, clock } = openRig();
  const bits = bitsOf("H10301", { facility: 1, number: 1 });
  const waiting = [sim.presentCard(front, bits), sim.presentCard(front, bits)];
  const refused = Promise.all(waiting.map((given) => t.rejects(given, { name: "ReaderBusy" })));
  sim.close();
  await refused;
  clock.advance(1_000);
  await t.rejects(sim.presentCard(front, bits), { name: "ReaderBusy" });
});

t.test("the leaf can be opened whatever the strike does, and the contact says so", async (t) => {
  const { sim, board, clock } = openRig();
  const told: unknown[] = [];
  for (const id of ["front", "lab"]) {
    doorOf(board, id).position?.listen((leaf) => told.push([id, leaf]));
  }
  sim.setLeaf(doorId("front"), "open");
  await clock.elapse(50);
  sim.setLeaf(doorId("lab"), "open");
  sim.setLeaf(doorId("front"), "closed");
  await clock.elapse(50);
  t.same(told, [
    ["front", "open"],
    ["front", "closed"],
    ["lab", "open"],
  ]);
  t.match(sim.state().doors, {
    front: { strike: "secured", leaf: "closed", rex: "idle" },
    lab: { strike: "secured", leaf: "open", rex: null },
  });
});

t.test("a button that is pressed is a REX", async (t) => {
  const { sim, board, clock } = openRig();
  const told: unknown[] = [];
  doorOf(board, "front").rex?.listen((state) => told.push(state));
  sim.setRex(doorId("front"), "pressed");
  await clock.elapse(50);
  t.equal(sim.state().doors["front"]?.rex, "pressed");
  sim.setRex(doorId("front"), "idle");
  await clock.elapse(50);
  t.same(told, ["pressed", "idle"]);
  t.throws(() => sim.setRex(doorId("lab"), "pressed"), /no doors\.lab\.rex/);
});

t.test("who watches sees each change once, with the time of its line", async (t) => {
  const { sim, board, clock } = openRig();
  const changes: SimBoardChange[] = [];
  const stop = sim.watch({ changed: (change) => changes.push(change), closed: () => undefined });
  const releasedAt = clock.monotonic() * 1e6;
  doorOf(board, "front").strike.drive("released");
  doorOf(board, "front").strike.drive("released");
  t.same(changes, [], "nobody is told from within the call that drives the strike");
  clock.stall(7);
  doorOf(board, "front").strike.drive("secured");
  await Promise.resolve();
  t.same(
    changes.map(({ changed, at, state }) => [
      changed,
      at - releasedAt,
      state.doors["front"]?.strike,
    ]),
    [
      ["doors.front.strike", 0, "released"],
      ["doors.front.strike", 7e6, "secured"],
    ],
    "a release that was over before anybody was told is told all the same",
  );
  stop();
  sim.setLeaf(doorId("front"), "open");
  await Promise.resolve();
  t.equal(changes.length, 2);
});

t.test("under lost edges, glitches and shorts no card is ever taken for another", async (t) => {
  const seed = seedFor(process.env["POSTERN_SEED"]);
  t.comment(`POSTERN_SEED=${seed}`);
  const random = new Seeded(seed);
  for (let run = 0; run < 6; run += 1) {
    const { sim, board, clock, reports, until } = openRig();
    const rate = () => (random.chance(0.5) ? random.next() * 0.03 : 0);
    const board_ = {
      lostEdge: rate(),
      lateCallback: rate(),
      glitch: rate(),
      bothLow: rate(),
    };
    sim.setFaults({ seed: random.between(0, 2 ** 31), board: board_, lines: {} });
    const presented = new Set<string>();
    for (let card = 0; card < 25; card += 1) {
      const number = random.between(0, 65_535);
      const bits = bitsOf("H10301", { facility: random.between(0, 255), number });
      presented.add(rawFromBits(bits));
      await until(sim.presentCard(front, bits));
    }
    await clock.elapse(1_000);
    for (const report of reports) {
      if (report.kind !== "card" || presented.has(report.raw)) continue;
      t.fail(`POSTERN_SEED=${seed}: a card that nobody presented, with ${JSON.stringify(board_)}`);
    }
    const { frameCount, misreadCounts } = readerOf(board, "front").reader.health();
    const misreads = Object.values(misreadCounts).reduce((sum, count) => sum + count, 0);
    t.ok(frameCount + misreads > 0, `${frameCount} read, ${JSON.stringify(misreadCounts)}`);
  }
});

t.test("each fault has the reader's verdict that the cable would give it", async (t) => {
  const bits = bitsOf("H10301", { facility: 12, number: 34567 });
  const cases = [
    [{ lines: { "front-d1": { bothLow: 1 } }, board: {} }, /both_low/],
    [{ lines: { "front-d0": { glitch: 1 } }, board: {} }, /glitch|spacing|length/],
    [{ lines: { "front-d0": { stuck: 0 as const } }, board: {} }, /both_low|glitch/],
    [{ lines: { "front-d1": { stuck: 1 as const } }, board: {} }, /length|spacing/],
    [{ lines: {}, board: { lostEdge: 0.2 } }, /length|glitch/],
  ] as const;
  for (const [faults, verdict] of cases) {
    const { sim, clock, reports, until } = openRig();
    sim.setFaults({ seed: 5, ...faults });
    await until(sim.presentCard(front, bits));
    await clock.elapse(500);
    t.equal(
      reports.some((report) => report.kind === "card"),
      false,
    );
    t.ok(
      reports.some((report) => report.kind === "misread" && verdict.test(report.verdict)),
      `${JSON.stringify(faults)}: ${JSON.stringify(reports)}`,
    );
  }
});

t.test("late callbacks cost time and no card", async (t) => {
  const { sim, clock, reports, until } = openRig();
  sim.setFaults({ seed: 6, board: { lateCallback: 0.2 }, lines: {} });
  const bits = bitsOf("H10301", { facility: 12, number: 34567 });
  for (let count = 0; count < 10; count += 1) await until(sim.presentCard(front, bits));
  await clock.elapse(500);
  t.same(
    reports.map((report) => report.kind),
    Array.from({ length: 10 }, () => "card"),
  );
});

t.test("a contact that bounces is still one change", async (t) => {
  const { sim, board, clock } = openRig();
  sim.setFaults({ seed: 2, board: { bounce: 1 }, lines: {} });
  const told: unknown[] = [];
  doorOf(board, "front").position?.listen((leaf, at) => told.push([leaf, at]));
  const openedAt = clock.monotonic();
  sim.setLeaf(doorId("front"), "open");
  await clock.elapse(100);
  sim.setLeaf(doorId("front"), "closed");
  await clock.elapse(100);
  t.same(told, [
    ["open", openedAt],
    ["closed", openedAt + 100],
  ]);
  t.equal(sim.gpio.faults.counts().bounce, 2);
});

t.test("a leaf that moves on while its contact still bounces ends where it is", async (t) => {
  const { sim, board, clock } = openRig();
  sim.setFaults({ seed: 2, board: { bounce: 1 }, lines: {} });
  sim.setLeaf(doorId("front"), "open");
  sim.setLeaf(doorId("front"), "closed");
  sim.setLeaf(doorId("front"), "open");
  await clock.elapse(200);
  t.equal(doorOf(board, "front").position?.read(), "open");
});
