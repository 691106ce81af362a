import t from "tap";
import type { ContactWiring } from "../../../hal/board-profile.ts";
import { openAlarmInput } from "../../../hal/lines/alarm-input.ts";
import { openDoorPosition } from "../../../hal/lines/door-position.ts";
import { openRequestToExit } from "../../../hal/lines/request-to-exit.ts";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { backMs, openExpanderRig, place, pollMs } from "./expander-rig.ts";

const devices = [
  { name: "door contact", open: openDoorPosition, rest: "closed", active: "open" },
  { name: "REX", open: openRequestToExit, rest: "idle", active: "pressed" },
  { name: "alarm input", open: openAlarmInput, rest: "idle", active: "raised" },
] as const;

const debounceMs = 20;
/** Until whatever is so is believed. */
const believedMs = 2 * pollMs + debounceMs + 10;

const plain: ContactWiring = { line: "A0", contact: "normally_closed", debounceMs };
const supervised: ContactWiring = {
  ...plain,
  supervision: { cutLine: "A1", shortedLine: "A2", activeLevel: 1 },
};

function openBehindExpander(wiring: ContactWiring, device: (typeof devices)[number] = devices[0]) {
  const rig = openExpanderRig();
  const { clock, i2c, chip, expander } = rig;
  const move = (to: "rest" | "active") => chip.pull(0, to === "rest" ? 0 : 1);
  move("rest");
  chip.pull(1, 0);
  chip.pull(2, 0);
  const input = device.open({ gpio: expander, clock, wiring });
  const told: string[] = [];
  const toldAt: number[] = [];
  input.listen((state, at) => {
    told.push(state);
    toldAt.push(at);
  });
  const setExpander = (connection: "connected" | "disconnected") =>
    i2c.setConnection(place, connection);
  return { ...rig, input, told, toldAt, move, setExpander };
}

for (const device of devices) {
  const { name, rest, active } = device;
  for (const wiring of [plain, supervised]) {
    const kind = wiring.supervision === undefined ? "plain" : "supervised";
    t.test(`a ${kind} ${name} whose expander is pulled out says nothing any more`, async (t) => {
      const { clock, input, told, toldAt, move, setExpander } = openBehindExpander(wiring, device);
      await clock.elapse(100);
      t.equal(input.read(), rest);
      const goneAt = clock.monotonic();
      setExpander("disconnected");
      await clock.elapse(believedMs);
      t.equal(input.read(), "cut");
      t.ok((toldAt[0] ?? 0) >= goneAt && (toldAt[0] ?? 0) <= goneAt + 2 * pollMs, "since it went");
      move("active");
      await clock.elapse(60_000);
      t.same(told, ["cut"], "once, however long it is gone");
      setExpander("connected");
      await clock.elapse(backMs);
      t.equal(input.read(), active);
      move("rest");
      await clock.elapse(believedMs);
      t.same(told, ["cut", active, rest]);
    });
  }

  t.test(
    `a ${name} that did not move meanwhile is believed when its expander is back`,
    async (t) => {
      const { clock, input, told, setExpander } = openBehindExpander(supervised, device);
      await clock.elapse(100);
      setExpander("disconnected");
      await clock.elapse(1_000);
      setExpander("connected");
      await clock.elapse(backMs);
      t.equal(input.read(), rest);
      t.same(told, ["cut", rest]);
    },
  );
}

t.test("a button that is pressed for a poll and its debouncing is heard, whenever", async (t) => {
  const [polledMs, pressMs] = [50, 70];
  for (let offsetMs = 0; offsetMs < polledMs; offsetMs += 1) {
    const { clock, chip, expander } = openExpanderRig({ polledMs });
    const wiring = { ...plain, contact: "normally_open" } as const;
    const rex = openRequestToExit({ gpio: expander, clock, wiring });
    const told: string[] = [];
    rex.listen((state) => told.push(state));
    await clock.elapse(1_000 + offsetMs);
    chip.pull(0, 0);
    await clock.elapse(pressMs);
    t.same(told, ["pressed"], `${offsetMs} ms after a poll, before it is let go`);
    chip.pull(0, undefined);
    await clock.elapse(polledMs + debounceMs);
    t.same(told, ["pressed", "idle"]);
  }
});

t.test("one spoiled transaction is no reason to doubt a door", async (t) => {
  const { clock, i2c, told } = openBehindExpander(plain);
  await clock.elapse(100);
  for (let sparks = 0; sparks < 20; sparks += 1) {
    i2c.spoil(place, 1);
    await clock.elapse(50);
  }
  t.same(told, []);
});

t.test("no line of a wire alone makes its contact believed, debounced or not", async (t) => {
  const wiring = { ...supervised, debounceMs: 0 };
  const { clock, chip, told, setExpander } = openBehindExpander(wiring);
  await clock.elapse(100);
  for (const isShorted of [false, true, false]) {
    setExpander("disconnected");
    await clock.elapse(1_000);
    chip.pull(2, isShorted ? 1 : 0);
    setExpander("connected");
    await clock.elapse(backMs);
  }
  t.same(told, ["cut", "closed", "cut", "shorted", "cut", "closed"]);
});

t.test("a door is never called shut or open while nobody can look", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  for (let lives = 0; lives < 10; lives += 1) {
    const wiring = random.pick([plain, supervised]);
    const { clock, chip, input, move, setExpander, expander } = openBehindExpander(wiring);
    let leaf: "rest" | "active" = "rest";
    let isThere = true;
    for (let moves = 0; moves < 40; moves += 1) {
      if (random.chance(0.4)) {
        isThere = !isThere;
        if (isThere && random.chance(0.3)) chip.losePower();
        setExpander(isThere ? "connected" : "disconnected");
      }
      if (random.chance(0.6)) {
        leaf = random.pick(["rest", "active"]);
        move(leaf);
      }
      await clock.elapse(random.between(0, 300));
      if (random.chance(0.5)) continue;
      // Long enough for anything to be found out.
      await clock.elapse(isThere ? backMs : 1_100);
      const so = leaf === "rest" ? "closed" : "open";
      t.equal(input.read(), isThere ? so : "cut", `life ${lives}, move ${moves}`);
    }
    input.close();
    expander.close();
  }
});
