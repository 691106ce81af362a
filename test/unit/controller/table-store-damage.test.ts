import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { DeltaLog, deltaLogBytesMax } from "../../../src/controller/delta-log.ts";
import { parseDeltaLog } from "../../../src/controller/delta-log-records.ts";
import type { LoadedTable } from "../../../src/controller/load-table.ts";
import { adoptTableImage } from "../../../src/core/access-table/open-table-image.ts";
import { passId } from "../../../src/domain/ids.ts";
import type { TableChange, TableMark } from "../../../src/domain/table-change.ts";
import { parseTableFrame } from "../../../src/protocols/sync/table-frame.ts";
import { temporaryFolder } from "./journal-records.ts";
import { deltasFrom, markOf, owner, snapshotAt } from "./paper-site.ts";
import {
  advance,
  fetch,
  fold,
  install,
  isWhole,
  openHere,
  reopened,
  runHere,
  tableOf,
} from "./table-store-rig.ts";

t.setTimeout(300_000);

/** Both slots in use: image a of 1.3, a log to 1.9, image b of 1.7, and its log to 1.9. */
async function filledFolder(t: Test): Promise<string> {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 3));
  await advance(store, 4);
  await fold(store);
  await advance(store, 2);
  await store.close();
  return folder;
}

/** The table that was found; undefined where it is none that the site ever made. */
function tableIn({ image, deltas }: LoadedTable): TableMark | undefined {
  if (image === undefined) return undefined;
  const table = adoptTableImage(image.bytes, parseTableFrame);
  for (const delta of deltas) if (!table.apply(delta).ok) return undefined;
  return isWhole(table) ? table.mark : undefined;
}

t.test("any file flipped or cut at any byte is seen, and the table is a whole one", async (t) => {
  const folder = await filledFolder(t);
  const leastOf = { "image.a": 9, "image.b": 9, "deltas.a": 9, "deltas.b": 7 };
  for (const [name, least] of Object.entries(leastOf)) {
    const file = join(folder, name);
    const whole = readFileSync(file);
    let faultCount = 0;
    const look = async (bytes: Uint8Array, how: string) => {
      writeFileSync(file, bytes);
      const loaded = await runHere("loadTable", { folder, owner });
      const version = tableIn(loaded)?.version ?? -1;
      // A log that ends early may have been cut by a power cut; the note of the newest tells.
      const isSeen = version === 9 || loaded.damages.length > 0 || name === "deltas.b";
      if (version >= least && version <= 9 && isSeen) return;
      faultCount += 1;
      if (faultCount <= 3) t.fail(`${name} ${how}: ${version}, ${JSON.stringify(loaded.damages)}`);
    };
    for (let at = 0; at < whole.length; at += 1) {
      await look(whole.subarray(0, at), `cut at ${at}`);
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at);
      await look(flipped, `flipped at ${at}`);
    }
    t.equal(faultCount, 0, `${whole.length} bytes of ${name}`);
    writeFileSync(file, whole);
  }
  t.same(tableIn(await runHere("loadTable", { folder, owner })), markOf(1, 9));
});

t.test("a log that lost its end is told by the note of the newest table", async (t) => {
  const folder = await filledFolder(t);
  const file = join(folder, "deltas.b");
  truncateSync(file, readFileSync(file).length - 1);
  const store = await openHere(folder);
  t.same(tableOf(store).mark, markOf(1, 8));
  t.same(store.newestAccepted(), markOf(1, 9));
  t.same(store.damages(), [{ file: "deltas.b", detail: "leads to 1.8; 1.9 was accepted" }]);
  await store.close();
});

t.test("a log that is damaged in the middle is used up to there, and said", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 3));
  const file = join(folder, "deltas.a");
  const before = readFileSync(file).length;
  await advance(store, 2);
  const twoMore = readFileSync(file).length;
  await advance(store, 3);
  await store.close();
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(twoMore + 40) ^ 1, twoMore + 40);
  writeFileSync(file, bytes);
  rmSync(join(folder, "newest"));
  const again = await openHere(folder);
  t.same(tableOf(again).mark, markOf(1, 5));
  t.same(again.newestAccepted(), markOf(1, 8), "what stands behind it is known to have been");
  t.match(again.damages(), [{ file: "deltas.a", detail: "no record 6 before 7" }, {}]);
  await advance(again, 1);
  t.same(again.damages(), []);
  await again.close();
  t.same(await reopened(folder, (healed) => tableOf(healed).mark), markOf(1, 6));
  // Cut before its first delta.
  truncateSync(file, before - 1);
  t.match(await reopened(folder, (cut) => cut.damages()), [
    { detail: "its first record is damaged" },
    {},
  ]);
});

const seed = seedFor(process.env["POSTERN_SEED"]);

t.test(`arbitrary bytes in place of any file stop no door (seed ${seed})`, async (t) => {
  const seeded = new Seeded(seed);
  const folder = await filledFolder(t);
  const log = readFileSync(join(folder, "deltas.a"));
  for (let run = 0; run < 2_000; run += 1) {
    const bytes = Buffer.from(log);
    for (let left = seeded.between(1, 8); left > 0; left -= 1) {
      const at = seeded.between(0, bytes.length - 1);
      if (seeded.chance(0.3)) bytes.copy(bytes, at, seeded.between(0, bytes.length - 1));
      else bytes.writeUInt8(seeded.between(0, 255), at);
    }
    const { deltas } = parseDeltaLog(bytes);
    const isStep = deltas.every(({ from, to }) => to.version === from.version + 1);
    if (!isStep) t.fail("a delta that leads nowhere");
  }
  for (const name of ["image.a", "image.b", "deltas.a", "deltas.b", "newest"]) {
    const bytes = Buffer.from(seeded.bits(seeded.between(0, 9_000)), "latin1");
    writeFileSync(join(folder, name), bytes);
    const store = await openHere(folder);
    t.ok(store.damages().length > 0, name);
    await store.close();
  }
  await reopened(folder, (store) => t.equal(store.table(), undefined));
});

t.test("a snapshot goes on after a restart with the chunks that are whole", async (t) => {
  const folder = temporaryFolder(t);
  const { manifest, chunk } = snapshotAt(markOf(1, 5));
  const first = await openHere(folder);
  const begun = await first.beginSnapshot(manifest);
  if (!begun.ok) throw begun.fault;
  t.same(begun.value.missing(), [0, 1, 2]);
  for (const index of [2, 0]) t.ok((await begun.value.put(index, chunk(index))).ok);
  t.same(begun.value.missing(), [1]);
  await t.rejects(begun.value.finish(), "one is missing: our mistake");
  await first.close();
  t.match(
    await begun.value.put(1, chunk(1)),
    { ok: false },
    "nothing is written once it is closed",
  );

  const missingAfter = async (damage: () => void) => {
    damage();
    const store = await openHere(folder);
    const again = await store.beginSnapshot(manifest);
    if (!again.ok) throw again.fault;
    const missing = again.value.missing();
    for (const index of [2, 0])
      if (missing.includes(index)) await again.value.put(index, chunk(index));
    await store.close();
    return missing;
  };
  const part = join(folder, "part");
  const state = join(folder, "part.state");
  t.same(await missingAfter(() => undefined), [1]);
  t.same(await missingAfter(() => truncateSync(part, 2_100)), [1, 2]);
  t.same(await missingAfter(() => truncateSync(state, 48 + 4)), [1, 2]);
  t.same(await missingAfter(() => truncateSync(state, 47)), [0, 1, 2]);
  t.same(await missingAfter(() => rmSync(part)), [0, 1, 2]);
  const flipped = readFileSync(part);
  flipped.writeUInt8(flipped.readUInt8(7) ^ 1, 7);
  t.same(await missingAfter(() => writeFileSync(part, flipped)), [0, 1]);

  const store = await openHere(folder);
  t.ok((await fetch(store, snapshotAt(markOf(1, 5)))).ok);
  t.ok(isWhole(tableOf(store)));
  await store.close();
});

t.test("another snapshot takes the place of one that was begun", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  const old = snapshotAt(markOf(1, 5));
  const begun = await store.beginSnapshot(old.manifest);
  if (!begun.ok) throw begun.fault;
  await begun.value.put(0, old.chunk(0));
  const other = await store.beginSnapshot(snapshotAt(markOf(1, 6)).manifest);
  if (!other.ok) throw other.fault;
  t.same(other.value.missing(), [0, 1, 2]);
  t.notOk((await begun.value.put(1, old.chunk(1))).ok, "the one before writes nothing into it");
  await other.value.abandon();
  t.ok((await fetch(store, old)).ok);
  await store.close();
});

t.test("a snapshot that is not what its manifest says leaves the table in force", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 3));
  const table = store.table();
  const good = snapshotAt(markOf(1, 5));
  const image = Buffer.from(good.image);
  image.writeUInt8(image.readUInt8(1_500) ^ 1, 1_500);
  const chunkOf = (index: number) => image.subarray(index * 1_024, (index + 1) * 1_024);
  const altered = { ...good, chunk: chunkOf };
  const another = { ...good, manifest: { ...good.manifest, mark: markOf(1, 6) } };
  // A good table, and not the one that was announced.
  const swapped = { ...snapshotAt(markOf(1, 5), [1, 2]), manifest: good.manifest };
  for (const snapshot of [altered, another, swapped]) {
    t.match(await fetch(store, snapshot), { ok: false, fault: "damaged" });
    t.equal(store.table(), table);
  }
  await advance(store, 1);
  await store.close();
  t.same(await reopened(folder, (again) => tableOf(again).mark), markOf(1, 4));
});

t.test("two logs of one table that are more than one may be stay until it is folded", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 3));
  await store.close();
  // Between them they have 24 MiB, and image b, which the second follows, is lost.
  const heavy = deltasFrom(markOf(1, 3), 24).map((delta) => ({
    ...delta,
    changes: [...delta.changes, ...strangersGone(delta.to.version)],
  }));
  const middle = heavy[11]?.to ?? markOf(0, 0);
  const first = new DeltaLog(join(folder, "deltas.a"), markOf(1, 3), heavy.slice(0, 12));
  const second = new DeltaLog(join(folder, "deltas.b"), middle, heavy.slice(12));
  t.ok(first.bytes + second.bytes > deltaLogBytesMax);
  for (const log of [first, second]) {
    await log.renew();
    await log.close();
  }
  for (const start of ["first", "second"]) {
    const again = await openHere(folder);
    t.same(tableOf(again).mark, markOf(1, 27), `nothing is lost at the ${start} start`);
    t.ok(again.foldIsDue());
    await again.close();
  }
  const healing = await openHere(folder);
  await fold(healing);
  await advance(healing, 1);
  await healing.close();
  t.ok(await reopened(folder, (healed) => isWhole(tableOf(healed))));
  t.same(await reopened(folder, (healed) => tableOf(healed).mark), markOf(1, 28));
});

/** A megabyte that changes nothing. */
function strangersGone(version: number): readonly TableChange[] {
  return Array.from({ length: 17_000 }, (_, number) => ({
    kind: "pass_gone",
    pass: passId(`nobody-by-a-name-as-long-as-this-one-is-${version}-and-${number}`),
  }));
}
