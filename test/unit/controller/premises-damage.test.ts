import { execFile, execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { headerLine, lineOf, parsePremisesLines } from "../../../src/controller/premises-lines.ts";
import { passId, userId } from "../../../src/domain/ids.ts";
import { temporaryFolder } from "./journal-records.ts";
import { ada, bob, entered, lab, spent, TroubleList, visit } from "./premises-changes.ts";

import { fileIn, open, reopened } from "./premises-file.ts";

t.test("a file cut at any byte has each whole change before the cut, and no trouble", async (t) => {
  const file = fileIn(t);
  const store = await open(file);
  await store.commit([spent(1)]);
  const began = statSync(file).size;
  await store.commit([spent(2), entered(ada)]);
  const between = statSync(file).size;
  await store.commit([spent(3), entered(bob)]);
  await store.close();
  const whole = readFileSync(file);
  for (let length = began; length < whole.length; length += 1) {
    writeFileSync(file, whole.subarray(0, length));
    const again = await open(file);
    const isAll = length >= between;
    const { memory } = again;
    const seen = [memory.spent(visit), memory.occupancy(lab), again.damages().length];
    if (String(seen) !== String(isAll ? [2, 1, 0] : [1, 0, 0])) {
      t.fail(`cut at ${length}: ${String(seen)}`);
    }
    await again.close();
  }
  truncateSync(file, whole.length - 1);
  const torn = await open(file);
  await torn.commit([spent(4)]);
  await torn.close();
  t.equal(await reopened(file, ({ memory }) => memory.spent(visit)), 4, "and goes on from there");
  t.equal(existsSync(`${file}.set-aside`), false);
});

t.test("zeros behind the last change are a power cut's, and no trouble", async (t) => {
  const file = fileIn(t);
  const store = await open(file);
  await store.commit([spent(1)]);
  await store.close();
  appendFileSync(file, Buffer.alloc(4_096));
  await reopened(file, (store) => {
    t.equal(store.memory.spent(visit), 1);
    t.same(store.damages(), []);
  });
});

t.test("any flipped bit is seen, and every other change is still in force", async (t) => {
  const records = (count: number) => [{ key: `spent/p${count}`, json: String(count) }];
  const lines = [headerLine, ...[1, 2, 3].map((number) => lineOf(number, records(number)))];
  const whole = Buffer.concat(lines);
  const last = whole.length - 1;
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const bytes = Buffer.from(whole);
    const place = bit >> 3;
    bytes[place] = (bytes[place] ?? 0) ^ (1 << (bit & 7));
    const found = parsePremisesLines(bytes);
    // Without the end of its last line a file looks like one that a power cut tore.
    // The end of a line lost, it takes the next line along.
    const leftMin = whole[place] === 0x0a ? 1 : 2;
    const isSeen = found.state === "damaged" || (place === last && found.state === "torn");
    const wrong = [...found.values].filter(([key, value]) => key !== `spent/p${String(value)}`);
    if (!isSeen || wrong.length > 0 || found.values.size < leftMin)
      t.fail(`bit ${bit} of ${whole.length * 8}`);
  }
  t.equal(parsePremisesLines(whole).state, "whole");
  const without = Buffer.concat([headerLine, ...lines.slice(2)]);
  t.equal(parsePremisesLines(without).state, "damaged", "a line that is missing is missed");
  t.equal(parsePremisesLines(Buffer.concat(lines.slice(1))).state, "damaged");
  t.equal(parsePremisesLines(Buffer.alloc(0)).state, "damaged");
});

t.test(
  "a damaged file is reported, kept aside and healed; what is readable is in force",
  async (t) => {
    const file = fileIn(t);
    const store = await open(file);
    for (const pass of ["p1", "p2", "p3"]) await store.commit([spent(1, passId(pass))]);
    await store.close();
    const text = readFileSync(file, "utf8");
    const damaged = text.replace("p2", "p9");
    writeFileSync(file, damaged);
    const troubles = new TroubleList();
    const again = await open(file, { troubles });
    t.same(troubles.said, ["raised premises_damaged"]);
    t.same(again.damages(), ["line 3 cannot be read"]);
    const counts = ["p1", "p2", "p3", "p9"].map((pass) => again.memory.spent(passId(pass)));
    t.same(counts, [1, 0, 1, 0]);
    await again.close();
    t.equal(readFileSync(`${file}.set-aside`, "utf8"), damaged);
    await reopened(file, (healed) => {
      t.same(healed.damages(), []);
      t.equal(healed.memory.spent(passId("p3")), 1);
    });
  },
);

t.test("a record that is not one of ours is reported and moves no door", async (t) => {
  const bad: [string, string][] = [
    ["spent/p1", "-1"],
    ["spent/p2", "1.5"],
    ["spent/p3", '"7"'],
    ["spent/p/4", "1"],
    ["spent/", "1"],
    ["user/u1", '{"area":"#","door":"front"}'],
    ["user/u2", "{}"],
    ["door/d1", '{"override":{"posture":"open"}}'],
    ["door/d2", '{"override":{"posture":"unlocked","until":"soon"}}'],
    ["door/d3", '{"opened":true}'],
    ["else/e", "1"],
  ];
  for (const [key, json] of bad) {
    const file = fileIn(t);
    const good = { key: "spent/good", json: "2" };
    writeFileSync(file, Buffer.concat([headerLine, lineOf(1, [{ key, json }, good])]));
    const troubles = new TroubleList();
    const store = await open(file, { troubles });
    t.same(store.damages(), [`${key} is not a record of ours`]);
    t.same(troubles.said, ["raised premises_damaged"]);
    t.equal(store.memory.spent(passId("good")), 2);
    await store.close();
    t.same(await reopened(file, (healed) => healed.damages()), [], key);
  }
});

t.test("a file that is no file at all stops no door and says so", async (t) => {
  const folder = temporaryFolder(t);
  const troubles = new TroubleList();
  const store = await open(folder, { troubles });
  t.match(store.damages(), [/EISDIR/]);
  await t.rejects(store.commit([spent(1)]), { name: "HalError", kind: "io" });
  t.equal(store.memory.spent(visit), 1);
  t.same(troubles.said, ["raised premises_damaged", "raised premises_failing"]);
  await store.close();
});

t.test(
  "a folder that takes nothing denies the use; once it does, all of it is there",
  async (t) => {
    const folder = join(temporaryFolder(t), "state");
    writeFileSync(folder, "in the way");
    const file = join(folder, "premises.log");
    const store = await open(file);
    await t.rejects(store.commit([spent(1)]), { name: "HalError", kind: "io" });
    rmSync(folder);
    await store.commit([entered(ada)]);
    await store.close();
    t.equal(await reopened(file, ({ memory }) => memory.spent(visit)), 1);
  },
);

t.test(
  "with room for a line and not for a second file, uses still get onto the disk",
  async (t) => {
    const file = fileIn(t);
    const store = await open(file);
    await store.commit([spent(1)]);
    mkdirSync(`${file}.new`);
    const users = Array.from({ length: 200 }, (_, index) => userId(`user-${index}`));
    for (let count = 2; count <= 40; count += 1) {
      await store.commit([spent(count), ...users.map((user) => entered(user))]);
    }
    t.ok(statSync(file).size > 300_000, "it would have been written anew by now");
    t.equal(parsePremisesLines(readFileSync(file)).values.get("spent/visit"), 40);
    rmdirSync(`${file}.new`);
    await store.close();
    t.equal(await reopened(file, ({ memory }) => memory.spent(visit)), 40);
  },
);

t.test("a start does not wait for a disk that hangs, and says what it does not know", async (t) => {
  const file = fileIn(t);
  execFileSync("mkfifo", [file]);
  const clock = new SimClock();
  const opening = open(file, { clock, isFirstStart: false });
  clock.advance(5_000);
  const store = await opening;
  t.same(store.damages(), ["it could not be read within 5000 ms"]);
  store.keep([spent(1)]);
  // As a disk that comes back: the other end is opened once somebody waits for it, and closed.
  execFile("sh", ["-c", ': > "$0"', file]);
  await store.close();
  t.ok(statSync(`${file}.set-aside`).isFIFO(), "what was not read is kept");
  t.equal(await reopened(file, ({ memory }) => memory.spent(visit)), 1);
});
