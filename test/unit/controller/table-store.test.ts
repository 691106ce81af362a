import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { openTableStore, type TableStore } from "../../../src/controller/table-store.ts";
import { temporaryFolder } from "./journal-records.ts";
import { content, provision, sealed, version } from "./tables.ts";

async function save(store: TableStore, epoch: number, number: number): Promise<boolean> {
  const table = content(version(epoch, number));
  return (await store.save({ message: sealed(table), content: table })).ok;
}

t.test(
  "the last table saved is there after a restart, and no timer or broker is asked",
  async (t) => {
    const folder = join(temporaryFolder(t), "not", "made", "yet");
    const first = await openTableStore({ folder, provision });
    t.equal(first.current(), undefined);
    t.equal(first.newestAccepted(), undefined);
    t.same(first.damages(), [], "a first start is no damage");
    for (const number of [1, 2, 3]) t.ok(await save(first, 1, number));
    t.same(first.current(), content(version(1, 3)));
    const second = await openTableStore({ folder, provision });
    t.same(second.current(), content(version(1, 3)));
    t.same(second.newestAccepted(), version(1, 3));
    for (const name of readdirSync(folder)) {
      t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    }
    t.same(readdirSync(folder).sort(), ["table.a", "table.b", "table.newest"]);
  },
);

t.test("an epoch counts before a version", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openTableStore({ folder, provision });
  await save(store, 1, 9);
  await save(store, 2, 1);
  const again = await openTableStore({ folder, provision });
  t.same(again.current()?.table, version(2, 1));
  t.same(again.newestAccepted(), version(2, 1));
});

t.test("losing any one file neither stops the doors nor lets an older table back in", async (t) => {
  for (const lost of ["table.a", "table.b", "table.newest"]) {
    const folder = temporaryFolder(t);
    const store = await openTableStore({ folder, provision });
    await save(store, 1, 4);
    await save(store, 1, 5);
    rmSync(join(folder, lost));
    const again = await openTableStore({ folder, provision });
    t.ok(again.current(), `a table without ${lost}`);
    t.same(again.newestAccepted(), version(1, 5), `the newest version without ${lost}`);
    t.ok(await save(again, 1, 6));
    const healed = await openTableStore({ folder, provision });
    t.same(healed.current()?.table, version(1, 6));
  }
});

t.test("the newer table cut or flipped at any byte is seen, and the older one used", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openTableStore({ folder, provision });
  await save(store, 1, 1);
  await save(store, 1, 2);
  const file = join(folder, "table.b");
  const whole = readFileSync(file);
  let missed = 0;
  const opens = async (bytes: Uint8Array) => {
    writeFileSync(file, bytes);
    const found = await openTableStore({ folder, provision });
    const isSafe =
      found.current()?.table.version === 1 &&
      found.newestAccepted()?.version === 2 &&
      found.damages().length === 1;
    if (!isSafe) missed += 1;
  };
  for (let at = 0; at < whole.length; at += 1) {
    await opens(whole.subarray(0, at));
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at);
    await opens(flipped);
  }
  await opens(Buffer.concat([whole, Buffer.of(0)]));
  t.equal(missed, 0, `${whole.length} bytes cut, flipped, and one too many`);
  writeFileSync(file, whole);
  t.same((await openTableStore({ folder, provision })).current()?.table, version(1, 2));
});

t.test("a damaged note of the newest version is told and never refuses a table", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openTableStore({ folder, provision });
  await save(store, 1, 1);
  const file = join(folder, "table.newest");
  const whole = readFileSync(file);
  for (let at = 0; at < whole.length; at += 1) {
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at);
    writeFileSync(file, flipped);
    const again = await openTableStore({ folder, provision });
    if (again.damages()[0]?.file !== "table.newest") t.fail(`flip at ${at}`);
    if (again.newestAccepted()?.version !== 1) t.fail(`flip at ${at} moved the version`);
  }
  writeFileSync(file, "1".repeat(10_000));
  const again = await openTableStore({ folder, provision });
  t.match(again.damages(), [{ file: "table.newest" }]);
  t.ok(await save(again, 1, 2));
  t.same(again.damages(), [], "the next save mends it");
  t.same((await openTableStore({ folder, provision })).damages(), []);
});

t.test(
  "a table that cannot be stored leaves the one in force, in memory and on disk",
  async (t) => {
    for (const blocked of ["table.b", "table.newest"]) {
      const folder = temporaryFolder(t);
      const store = await openTableStore({ folder, provision });
      await save(store, 1, 1);
      // A folder in the file's place refuses the rename, also to root.
      rmSync(join(folder, blocked), { force: true });
      mkdirSync(join(folder, blocked, "in the way"), { recursive: true });
      const table = content(version(1, 2));
      const result = await store.save({ message: sealed(table), content: table });
      t.match(result, { ok: false, fault: { kind: "io" } });
      t.same(store.current()?.table, version(1, 1));
      t.notOk(existsSync(join(folder, `${blocked}.new`)), "no half of it is left behind");
      const again = await openTableStore({ folder, provision });
      t.same(again.current()?.table, version(1, 1));
      rmSync(join(folder, blocked), { recursive: true });
      t.ok(await save(store, 1, 2), "the same table is stored once there is room");
      t.same((await openTableStore({ folder, provision })).current()?.table, version(1, 2));
    }
  },
);

t.test("a state folder that cannot be made is told, and the controller still opens", async (t) => {
  const file = join(temporaryFolder(t), "a-file");
  writeFileSync(file, "");
  const store = await openTableStore({ folder: join(file, "tables"), provision });
  t.equal(store.current(), undefined);
  t.equal(store.damages().length, 1);
  t.notOk(await save(store, 1, 1));
});

t.test("another controller's table in the folder is not used", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openTableStore({ folder, provision });
  await save(store, 1, 1);
  const other = { ...provision, controllerKey: new Uint8Array(32) };
  const again = await openTableStore({ folder, provision: other });
  t.equal(again.current(), undefined);
  t.match(again.damages(), [{ file: "table.a" }]);
});
