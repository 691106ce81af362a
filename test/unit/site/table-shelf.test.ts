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
  if (bytes === undefined) return { controller, table, deltas: [] };
  const message = new Uint8Array(bytes).fill(version % 256);
  return { controller, table, deltas: [{ from: markAt(version - 1), message }] };
}

t.test("what was stored is there after a restart, to the last bit", async (t) => {
  const { open } = openShelf(t);
  const shelf = open();
  const mark = { epoch: 2 ** 48, version: 2 ** 48, tag: 2 ** 32 - 1 };
  const table = { mark, compiledAt: epochMs(1_800_000_000_123), fingerprint: 2n ** 128n - 1n };
  const told = new Map([[passId("p"), [{ controller: two, spent: 3 }]]]);
  shelf.store([{ controller: one, table, deltas: [] }, step(1, undefined, two)], told);
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
  const firsts = (mark: TableMark, bytesMax = 99) =>
    shelf.deltasAfter(one, mark, bytesMax).map(([first]) => first);
  t.equal(shelf.deltasFrom(one), 2);
  t.same(firsts(markAt(1)), [2, 3, 4]);
  t.same(firsts(markAt(3)), [4]);
  t.same(firsts(markAt(1), 29), [2, 3], "as many as there is room for");
  t.same(firsts(markAt(1), 1), [2], "and one at least");
  t.same(firsts(markAt(4)), []);
  t.same(firsts(markAt(5)), [], "from one that is still to come");
  t.same(firsts({ ...markAt(3), tag: 1 }), [], "from another of that number");
  t.same(firsts(markAt(3, 2)), [], "from another epoch");
  t.same(firsts(markAt(0)), [], "from before all that is known");
  t.same(shelf.deltasAfter(controllerId("three"), markAt(1), 99), []);
});

t.test("to a table that only a snapshot leads to, deltas go as far as they do", async (t) => {
  const { open } = openShelf(t);
  const shelf = open();
  for (const version of [1, 2, 3]) shelf.store([step(version, 10)], none);
  shelf.store([step(4)], none);
  const leading = (each: TableShelf) => [1, 2, 3, 4, 5].filter((at) => each.leadsOn(one, at));
  for (const each of [shelf, open()]) {
    t.equal(each.deltasFrom(one), 1, "what they take away is not held back");
    t.equal(each.deltasAfter(one, markAt(1), 99).length, 2);
    t.same(each.deltasAfter(one, markAt(3), 99), []);
    t.same(leading(each), [4]);
  }
  shelf.store([step(5, 10)], none);
  for (const each of [shelf, open()]) {
    t.equal(each.deltasAfter(one, markAt(2), 99).length, 1, "and not over the gap");
    t.equal(each.deltasAfter(one, markAt(4), 99).length, 1);
    t.same(leading(each), [4, 5]);
  }
  const table = { mark: markAt(1, 2), compiledAt: epochMs(1), fingerprint: 1n };
  shelf.store([{ controller: one, table, deltas: [] }], none);
  for (const each of [shelf, open()]) {
    t.equal(each.deltasFrom(one), undefined, "a new epoch ends every way");
    t.same(leading(each), [1]);
  }
});

t.test("a change of several deltas is stored whole, however long, as one", async (t) => {
  const { open } = openShelf(t);
  const shelf = open();
  shelf.store([step(2, 10)], none);
  const table = { mark: markAt(6), compiledAt: epochMs(6), fingerprint: 6n };
  const message = new Uint8Array(deltasBytesMax / 2);
  const deltas = [2, 3, 4, 5].map((version) => ({ from: markAt(version), message }));
  shelf.store([{ controller: one, table, deltas }], none);
  for (const each of [shelf, open()]) {
    t.equal(each.deltasFrom(one), 3);
    t.equal(each.deltasAfter(one, markAt(2), Infinity).length, 4);
    t.ok(each.leadsOn(one, 2));
  }
});

t.test("what leads on from a table that is being fetched is kept, within bounds", async (t) => {
  const shelf = openShelf(t).open();
  let version = 1;
  // In changes of many steps, for the sake of time.
  const grow = (to: number, fetched?: number) => {
    while (version < to) {
      const first = version;
      version = Math.min(to, version + 500);
      const deltas = Array.from({ length: version - first }, (_, at) => ({
        from: markAt(first + at),
        message: new Uint8Array(1),
      }));
      shelf.store([{ ...step(version), deltas }], none, () => fetched);
    }
  };
  grow(10);
  grow(3 * deltasMax, 9);
  t.ok(shelf.leadsOn(one, 9));
  t.equal(shelf.deltasFrom(one), 10, "and nothing older");
  grow(3 * deltasMax + 500);
  t.notOk(shelf.leadsOn(one, 9), "nobody fetches it any more");
  grow(20 * deltasMax, 3 * deltasMax);
  t.notOk(shelf.leadsOn(one, 3 * deltasMax), "who takes for ever takes too long");
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
  t.equal(many.deltasAfter(one, markAt(from - 1), Infinity).length, count + 2 - from);
  t.same(many.deltasAfter(one, markAt(from - 2), Infinity), []);
  t.equal(open().deltasFrom(one), from, "a restart counts the same");

  const long = openShelf(t).open();
  const bytes = Math.floor(deltasBytesMax / 3);
  for (const version of [2, 3, 4]) long.store([step(version, bytes)], none);
  t.equal(long.deltasFrom(one), 2);
  long.store([step(5, bytes)], none);
  t.equal(long.deltasFrom(one), 4);
  long.store([step(6, deltasBytesMax)], none);
  t.equal(long.deltasFrom(one), 6, "the newest stays, however long");
  t.equal(long.deltasAfter(one, markAt(5), 1).length, 1);
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

t.test("deltas that another key signed are for nobody, and numbers stay", async (t) => {
  const { folder, open } = openShelf(t);
  const shelf = open("old key");
  shelf.store([step(1), step(2, 10)], none);
  t.equal(open("old key").deltasFrom(one), 2);
  const { default: Database } = await import("better-sqlite3");
  const disk = new Database(join(folder, "tables.sqlite3"));
  t.teardown(() => disk.close());
  const countOnDisk = () => disk.prepare("SELECT count(*) FROM deltas").pluck().get();
  // Whatever the disk does: nothing is written for it.
  disk.exec("BEGIN IMMEDIATE");
  shelf.signWith("new key");
  const renewed = open("new key");
  disk.exec("COMMIT");
  for (const each of [shelf, renewed]) {
    t.equal(each.deltasFrom(one), undefined);
    t.same(each.tables().get(one)?.mark, markAt(2));
    t.same(each.deltasAfter(one, markAt(1), 99), []);
    t.notOk(each.leadsOn(one, 1));
  }
  t.equal(countOnDisk(), 1);
  shelf.store([step(3, 10)], none);
  t.equal(countOnDisk(), 1, "they go with the next that is stored");
  t.equal(open("new key").deltasFrom(one), 3);
});

t.test("deltas in an earlier form go; numbers and uses stay", async (t) => {
  const { folder, open } = openShelf(t);
  const told = new Map([[passId("p"), []]]);
  const shelf = open();
  shelf.store([step(1), step(2, 10)], told);
  shelf.close();
  const { default: Database } = await import("better-sqlite3");
  const disk = new Database(join(folder, "tables.sqlite3"));
  disk.exec("ALTER TABLE deltas DROP COLUMN signer; CREATE TABLE signer (key TEXT) STRICT");
  disk.pragma("user_version = 1");
  disk.close();
  const renewed = open();
  t.equal(renewed.deltasFrom(one), undefined);
  t.same(renewed.tables().get(one)?.mark, markAt(2));
  t.same(renewed.told(), told);
  renewed.store([step(3, 10)], none);
  t.equal(open().deltasFrom(one), 3);
});

t.test("a file of ours that is newer than this program is left alone", async (t) => {
  const { folder, open } = openShelf(t);
  open().close();
  const { default: Database } = await import("better-sqlite3");
  const disk = new Database(join(folder, "tables.sqlite3"));
  disk.pragma("user_version = 9");
  disk.close();
  t.throws(() => open(), /format 9; this program knows 2/);
  t.notOk(readdirSync(folder).some((name) => name.endsWith(".damaged")));
});
