import { readdirSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { controllerId, passId } from "../../../src/domain/ids.ts";
import type { TableMark } from "../../../src/domain/table-change.ts";
import { epochMs } from "../../../src/domain/time.ts";
import {
  deltasBytesMax,
  deltasMax,
  openTableShelf,
  type ShelfStep,
  type TableShelf,
} from "../../../src/site/table-shelf.ts";
import { LogText, one, temporaryFolder } from "./site-rig.ts";

const two = controllerId("two");
const none = new Map();

function openShelf(t: Test) {
  const folder = temporaryFolder(t);
  const open = (signer = "key"): TableShelf => {
    const shelf = openTableShelf({
      file: join(folder, "tables.sqlite3"),
      signer,
      log: new LogText(),
    });
    t.teardown(() => shelf.close());
    return shelf;
  };
  return { folder, open };
}

const markAt = (version: number, epoch = 1): TableMark => ({ epoch, version, tag: version * 7 });

function step(version: number, bytes?: number, controller = one): ShelfStep {
  const table = {
    mark: markAt(version),
    compiledAt: epochMs(version),
    fingerprint: BigInt(version),
  };
  if (bytes === undefined) return { controller, table };
  const message = new Uint8Array(bytes).fill(version % 256);
  return { controller, table, delta: { from: markAt(version - 1), message } };
}

t.test("what was stored is there after a restart, to the last bit", async (t) => {
  const { open } = openShelf(t);
  const shelf = open();
  const mark = { epoch: 2 ** 48, version: 2 ** 48, tag: 2 ** 32 - 1 };
  const table = { mark, compiledAt: epochMs(1_800_000_000_123), fingerprint: 2n ** 128n - 1n };
  const told = new Map([[passId("p"), [{ controller: two, spent: 3 }]]]);
  shelf.store([{ controller: one, table }, step(1, undefined, two)], told);
  shelf.store([], new Map([[passId("q"), []]]));
  shelf.close();
  const reopened = open();
  t.same(reopened.tables(), shelf.tables());
  t.same(reopened.tables().get(one), table);
  t.same(reopened.told(), new Map([...told, [passId("q"), []]]));
});

t.test("deltas lead on from each table that the site still knows, and from no other", async (t) => {
  const shelf = openShelf(t).open();
  shelf.store([step(1)], none);
  t.equal(shelf.deltasFrom(one), undefined);
  for (const version of [2, 3, 4]) shelf.store([step(version, 10)], none);
  shelf.store([step(9, 10, two)], none);
  const firsts = (mark: TableMark) => shelf.deltasAfter(one, mark)?.map(([first]) => first);
  t.equal(shelf.deltasFrom(one), 2);
  t.same(firsts(markAt(1)), [2, 3, 4]);
  t.same(firsts(markAt(3)), [4]);
  t.same(firsts(markAt(4)), []);
  t.equal(firsts(markAt(5)), undefined, "from one that is still to come");
  t.equal(firsts({ ...markAt(3), tag: 1 }), undefined, "from another of that number");
  t.equal(firsts(markAt(3, 2)), undefined, "from another epoch");
  t.equal(firsts(markAt(0)), undefined, "from before all that is known");
  t.equal(shelf.deltasAfter(controllerId("three"), markAt(1)), undefined);
});

t.test("a table that only a snapshot leads to ends the way from those before", async (t) => {
  const { open } = openShelf(t);
  const shelf = open();
  for (const version of [2, 3]) shelf.store([step(version, 10)], none);
  shelf.store([step(4)], none);
  for (const each of [shelf, open()]) {
    t.equal(each.deltasFrom(one), undefined);
    t.equal(each.deltasAfter(one, markAt(2)), undefined);
  }
  shelf.store([step(5, 10)], none);
  t.equal(shelf.deltasFrom(one), 5);
});

t.test("of too many deltas, or too long ones, the oldest go", async (t) => {
  const { open } = openShelf(t);
  const many = open();
  const count = deltasMax + 1;
  for (let version = 2; version <= count; version += 1) many.store([step(version, 1)], none);
  t.equal(many.deltasFrom(one), 2);
  many.store([step(count + 1, 1)], none);
  const from = many.deltasFrom(one) ?? 0;
  t.ok(from > 2);
  t.equal(many.deltasAfter(one, markAt(from - 1))?.length, count + 2 - from);
  t.equal(many.deltasAfter(one, markAt(from - 2)), undefined);
  t.equal(open().deltasFrom(one), from, "a restart counts the same");

  const long = openShelf(t).open();
  const bytes = Math.floor(deltasBytesMax / 3);
  for (const version of [2, 3, 4]) long.store([step(version, bytes)], none);
  t.equal(long.deltasFrom(one), 2);
  long.store([step(5, bytes)], none);
  t.equal(long.deltasFrom(one), 4);
  long.store([step(6, deltasBytesMax)], none);
  t.equal(long.deltasFrom(one), 6, "the newest stays, however long");
  t.equal(long.deltasAfter(one, markAt(5))?.length, 1);
});

t.test("all of a change is stored or nothing of it", async (t) => {
  const { open } = openShelf(t);
  const shelf = open();
  shelf.store([step(1), step(1, undefined, two)], none);
  shelf.store([step(2, 10)], none);
  const told = new Map([[passId("p"), []]]);
  const twice = [step(2, 10, two), step(2, 10)];
  t.throws(() => shelf.store(twice, told), /UNIQUE/);
  for (const each of [shelf, open()]) {
    t.same(each.tables().get(two)?.mark, markAt(1));
    t.equal(each.deltasFrom(two), undefined);
    t.same(each.told(), none);
  }
});

t.test("deltas that another key signed are gone, and numbers stay", async (t) => {
  const { open } = openShelf(t);
  const shelf = open("old key");
  shelf.store([step(2, 10)], none);
  shelf.close();
  t.equal(open("old key").deltasFrom(one), 2);
  const renewed = open("new key");
  t.equal(renewed.deltasFrom(one), undefined);
  t.same(renewed.tables().get(one)?.mark, markAt(2));
  t.equal(open("new key").deltasAfter(one, markAt(1)), undefined);
});

t.test("a file of ours that is newer than this program is left alone", async (t) => {
  const { folder, open } = openShelf(t);
  open().close();
  const { default: Database } = await import("better-sqlite3");
  const disk = new Database(join(folder, "tables.sqlite3"));
  disk.pragma("user_version = 9");
  disk.close();
  t.throws(() => open(), /format 9; this program knows 1/);
  t.notOk(readdirSync(folder).some((name) => name.endsWith(".damaged")));
});
