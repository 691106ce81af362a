import t from "tap";
import { openMatrixKeypad } from "../../../hal/lines/matrix-keypad.ts";
import type { ReaderReport } from "../../../hal/reader.ts";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { openExpanderRig, place } from "./expander-rig.ts";
import { halErrorOf } from "./sim-rig.ts";

const rows = ["A0", "A1", "A2", "A3"];
const columns = ["A4", "A5", "A6", "A7"];
const printed = "123A456B789C*0#D";

function makeRig({ hasInterrupt = true, held = "" } = {}) {
  const { clock, i2c, chip, expander } = openExpanderRig({ hasInterrupt });
  const move = (keys: string, state: "joined" | "apart") => {
    for (const key of keys) {
      const at = printed.indexOf(key);
      chip.join(Math.floor(at / 4), 4 + (at % 4), state);
    }
  };
  move(held, "joined");
  const keypad = openMatrixKeypad({ gpio: expander, clock, wiring: { rows, columns } });
  const reports: ReaderReport[] = [];
  keypad.listen((report) => reports.push(report));
  const pass = (ms: number) => clock.elapse(ms);
  return {
    clock,
    i2c,
    chip,
    expander,
    keypad,
    reports,
    pass,
    press: (keys: string) => move(keys, "joined"),
    letGo: (keys: string) => move(keys, "apart"),
    typed: () => reports.map((report) => (report.kind === "key" ? report.key : "?")).join(""),
    hadShort: () => chip.hadShort(),
  };
}

t.test("each key is told as it is printed, once, and A to D never", async (t) => {
  for (const hasInterrupt of [true, false]) {
    const { press, letGo, pass, typed, keypad } = makeRig({ hasInterrupt });
    for (const key of printed) {
      press(key);
      await pass(90);
      letGo(key);
      await pass(60);
    }
    t.equal(typed(), "123456789*0#");
    t.equal(keypad.health().frameCount, 12);
  }
});

t.test("a key is told with the time it went down, soon after it did", async (t) => {
  const { press, pass, reports, clock } = makeRig();
  await pass(500);
  const downAt = clock.monotonic();
  press("5");
  await pass(50);
  t.equal(reports.length, 1);
  const at = (reports[0]?.at ?? 0) / 1e6;
  t.ok(at >= downAt && at <= downAt + 5, `${at - downAt} ms after it`);
});

t.test("a key that bounces is one press, and one that is held is too", async (t) => {
  const { press, letGo, pass, typed } = makeRig();
  for (const ms of [1, 2, 1, 3, 2, 4]) {
    press("7");
    await pass(ms);
    letGo("7");
    await pass(ms);
  }
  press("7");
  await pass(5_000);
  t.equal(typed(), "7");
  for (const ms of [1, 2, 1, 3]) {
    letGo("7");
    await pass(ms);
    press("7");
    await pass(ms);
  }
  letGo("7");
  await pass(200);
  t.equal(typed(), "7");
  press("7");
  await pass(100);
  t.equal(typed(), "77");
});

t.test("a spark of a few milliseconds is no key", async (t) => {
  const { press, letGo, pass, typed } = makeRig();
  for (let count = 0; count < 20; count += 1) {
    press("3");
    await pass(6);
    letGo("3");
    await pass(70);
  }
  t.equal(typed(), "");
});

t.test(
  "a second key is told before the first is let go, in its row, its column or apart",
  async (t) => {
    for (const [first, second] of ["12", "14", "15", "#9", "08"]) {
      const { press, letGo, pass, typed, hadShort } = makeRig();
      press(first ?? "");
      await pass(120);
      press(second ?? "");
      await pass(120);
      t.equal(typed(), `${first}${second}`);
      letGo(first ?? "");
      await pass(120);
      letGo(second ?? "");
      await pass(120);
      t.equal(typed(), `${first}${second}`);
      t.notOk(hadShort(), "no two outputs ever fought over a column");
    }
  },
);

t.test("three corners of a rectangle tell nothing new, and no ghost", async (t) => {
  const { press, letGo, pass, typed, hadShort } = makeRig();
  press("1");
  await pass(100);
  press("3");
  await pass(100);
  t.equal(typed(), "13");
  press("7");
  await pass(500);
  t.equal(typed(), "13", "7 is down and reads as 7 and 9: nobody can say which");
  letGo("3");
  await pass(150);
  t.equal(typed(), "137", "now it can be said");
  letGo("17");
  await pass(150);
  press("9");
  await pass(100);
  t.equal(typed(), "1379", "and nothing is stuck");
  t.notOk(hadShort());
});

t.test("three keys at once that make a rectangle are none, whatever is let go first", async (t) => {
  for (const first of "137") {
    const { press, letGo, pass, typed } = makeRig();
    press("137");
    await pass(300);
    t.equal(typed(), "");
    letGo(first);
    await pass(300);
    t.notMatch(typed(), /9/);
    t.same([...typed()].sort().join(""), "137".replace(first, ""));
  }
});

t.test("a key that is stuck when the keypad opens is not typed, and the others are", async (t) => {
  const { press, letGo, pass, typed } = makeRig({ held: "5" });
  await pass(1_000);
  t.equal(typed(), "");
  press("0");
  await pass(120);
  letGo("0");
  await pass(120);
  t.equal(typed(), "0");
  letGo("5");
  await pass(120);
  press("5");
  await pass(120);
  t.equal(typed(), "05");
});

t.test("a keypad at rest asks its chip for nothing", async (t) => {
  const { press, letGo, pass, i2c, chip } = makeRig();
  press("8");
  await pass(100);
  letGo("8");
  await pass(200);
  const before = i2c.blockingCount;
  await pass(5_000);
  t.equal(i2c.blockingCount, before);
  t.same(
    [0, 1, 2, 3].map((row) => chip.levelOf(row)),
    [0, 0, 0, 0],
  );
});

t.test("a key that is held costs one look at a time and seldom a scan", async (t) => {
  const { press, pass, i2c } = makeRig();
  press("8");
  await pass(200);
  const before = i2c.blockingCount;
  await pass(3_000);
  const perSecond = (i2c.blockingCount - before) / 3;
  t.ok(perSecond < 350, `${perSecond} transactions a second`);
});

t.test("a keypad whose chip goes is quiet, and types again when it is back", async (t) => {
  const { press, letGo, pass, typed, i2c, chip, hadShort } = makeRig();
  press("4");
  await pass(10);
  i2c.setConnection(place, "disconnected");
  await pass(3_000);
  t.equal(typed(), "", "it went before the key could be believed");
  letGo("4");
  chip.losePower();
  await pass(100);
  i2c.setConnection(place, "connected");
  await pass(8_000);
  t.equal(typed(), "");
  for (const key of "2580") {
    press(key);
    await pass(100);
    letGo(key);
    await pass(100);
  }
  t.equal(typed(), "2580");
  t.notOk(hadShort());
});

t.test("a key that is down when the chip comes back was not pressed just now", async (t) => {
  const { press, letGo, pass, typed, i2c } = makeRig();
  press("4");
  await pass(10);
  i2c.setConnection(place, "disconnected");
  await pass(60_000);
  i2c.setConnection(place, "connected");
  await pass(8_000);
  t.equal(typed(), "");
  letGo("4");
  await pass(100);
  press("4");
  await pass(100);
  t.equal(typed(), "4");
});

t.test(
  "a key that went down while the chip was away from a keypad at rest is not typed",
  async (t) => {
    const { press, letGo, pass, typed, i2c } = makeRig({ hasInterrupt: false });
    await pass(1_000);
    i2c.setConnection(place, "disconnected");
    await pass(1_000);
    press("4");
    await pass(1_000);
    i2c.setConnection(place, "connected");
    await pass(8_000);
    t.equal(typed(), "");
    letGo("4");
    await pass(100);
    press("5");
    await pass(100);
    t.equal(typed(), "5");
  },
);

t.test("what somebody types, with bounces and with overlaps, is what is told", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  const { press, letGo, pass, typed, hadShort } = makeRig();
  const bounce = async (key: string, settle: (keys: string) => void) => {
    for (let count = random.between(0, 3); count > 0; count -= 1) {
      press(key);
      await pass(random.between(1, 3));
      letGo(key);
      await pass(random.between(1, 3));
    }
    settle(key);
  };
  let wanted = "";
  let last = "";
  for (let count = 0; count < 40; count += 1) {
    const key = random.pick([..."123456789*0#"] as [string, ...string[]]);
    if (key === last) continue;
    await bounce(key, press);
    wanted += key;
    await pass(random.between(95, 200));
    // Often the finger of the key before is still down.
    if (last !== "") await bounce(last, letGo);
    await pass(random.between(60, 120));
    last = key;
    if (!random.chance(0.5)) continue;
    await bounce(key, letGo);
    await pass(random.between(60, 120));
    last = "";
  }
  t.equal(typed(), wanted);
  t.notOk(hadShort());
});

t.test("closing lets go of every line, and twice does nothing", async (t) => {
  const { keypad, expander, press, pass, typed, clock } = makeRig();
  press("1");
  await pass(5);
  keypad.close();
  keypad.close();
  await pass(500);
  t.equal(typed(), "");
  expander.openInputs({ lines: [...rows, ...columns], bias: "none" });
  expander.close();
  t.equal(clock.alarmCount, 0);
});

t.test("a keypad of another shape is refused, and a line that is held leaves none held", (t) => {
  const { expander, clock } = makeRig();
  const free = { rows: ["B0", "B1", "B2", "B3"], columns: ["B4", "B5", "B6"] };
  const open = (wiring: { rows: readonly string[]; columns: readonly string[] }) =>
    halErrorOf(() => openMatrixKeypad({ gpio: expander, clock, wiring }))?.kind;
  t.equal(open({ ...free, rows: ["B0", "B1", "B2"] }), "not_supported");
  t.equal(open({ ...free, columns: ["B4", "B5"] }), "not_supported");
  t.equal(open({ ...free, columns: ["B4", "B5", "A4"] }), "in_use");
  t.equal(open(free), undefined);
  t.end();
});
