import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { openFiledTableStore } from "../../../src/controller/filed-table-store.ts";
import type { RunTableJob } from "../../../src/controller/table-jobs.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { controllerId, passId, userId } from "../../../src/domain/ids.ts";
import type { TableChange } from "../../../src/domain/table-change.ts";
import { temporaryFolder } from "./journal-records.ts";
import { deltaFrom, deltasFrom, markOf, next, owner, snapshotAt } from "./paper-site.ts";
import {
  advance,
  append,
  fetch,
  fold,
  install,
  isWhole,
  openHere,
  reopened,
  runHere,
  tableOf,
} from "./table-store-rig.ts";

t.test("what was in force is in force after a restart, for the owner alone to read", async (t) => {
  const folder = join(temporaryFolder(t), "not", "made", "yet");
  const store = await openHere(folder);
  t.equal(store.table(), undefined);
  t.equal(store.newestAccepted(), undefined);
  t.same(store.damages(), [], "a first start is no damage");
  t.notOk(store.foldIsDue());
  await install(store, markOf(1, 3));
  await advance(store, 4);
  t.same(store.newestAccepted(), markOf(1, 7));
  await fold(store);
  await advance(store, 2);
  t.same(tableOf(store).mark, markOf(1, 9));
  t.ok(isWhole(tableOf(store)));
  await store.close();
  const again = await openHere(folder);
  t.same(tableOf(again).mark, markOf(1, 9));
  t.ok(isWhole(tableOf(again)));
  t.same(again.newestAccepted(), markOf(1, 9));
  t.same(again.damages(), []);
  t.same(readdirSync(folder).sort(), ["deltas.a", "deltas.b", "image.a", "image.b", "newest"]);
  for (const name of readdirSync(folder)) {
    t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
  }
  await again.close();
});

t.test("an epoch counts before a version", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 9));
  await install(store, markOf(2, 1));
  t.match(await fetch(store, snapshotAt(markOf(1, 10))), { ok: false, fault: "older" });
  await store.close();
  t.same(await reopened(folder, (again) => tableOf(again).mark), markOf(2, 1));
});

t.test("a snapshot that is older, or another one of that number, changes nothing", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 3));
  await advance(store, 5);
  const table = store.table();
  const stranger = { ...markOf(1, 8), tag: 1 };
  for (const mark of [markOf(1, 7), markOf(0, 20), stranger]) {
    t.match(await fetch(store, snapshotAt(mark)), { ok: false, fault: "older" });
    t.equal(store.table(), table);
    t.notOk(readdirSync(folder).includes("part"), "nothing of it is left");
  }
  t.ok((await fetch(store, snapshotAt(markOf(1, 8)))).ok, "the same one may be fetched again");
  await store.close();
});

t.test("losing any one file neither stops the doors nor lets an older table back in", async (t) => {
  for (const lost of ["image.a", "image.b", "deltas.a", "deltas.b", "newest"]) {
    const folder = temporaryFolder(t);
    const store = await openHere(folder);
    await install(store, markOf(1, 3));
    await advance(store, 4);
    await fold(store);
    await advance(store, 2);
    await store.close();
    rmSync(join(folder, lost));
    const again = await openHere(folder);
    t.ok(isWhole(tableOf(again)), `a whole table without ${lost}`);
    t.same(again.newestAccepted(), markOf(1, 9), `the newest table without ${lost}`);
    // What came after the fold is nowhere else.
    const isShort = lost === "deltas.b";
    t.same(tableOf(again).mark, markOf(1, isShort ? 7 : 9));
    t.equal(again.damages().length, isShort ? 1 : 0);
    t.match(await fetch(again, snapshotAt(markOf(1, 8))), { ok: false, fault: "older" });
    await advance(again, 3);
    t.same(again.damages(), []);
    await fold(again);
    await again.close();
    t.same(await reopened(folder, (healed) => [tableOf(healed).mark, healed.damages()]), [
      markOf(1, isShort ? 10 : 12),
      [],
    ]);
  }
});

t.test("deltas that do not follow from the table in force are not written", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  const early = await store.append([deltaFrom(markOf(1, 3))]);
  t.match(early, { ok: false, fault: { kind: "io" } }, "there is no table yet");
  await install(store, markOf(1, 3));
  for (const from of [markOf(1, 2), markOf(1, 4), markOf(2, 3), { ...markOf(1, 3), tag: 1 }]) {
    t.notOk((await store.append([deltaFrom(from)])).ok);
  }
  t.ok((await store.append([])).ok, "none are none");
  await advance(store, 1);
  await store.close();
  t.same(await reopened(folder, (again) => tableOf(again).mark), markOf(1, 4));
});

t.test("deltas come in force and outlast a restart while a table is folded", async (t) => {
  const folder = temporaryFolder(t);
  let arrive = (): void => undefined;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const run = (async (name, input) => {
    const output = await runHere(name, input);
    if (name === "foldImage") await arrived;
    return output;
  }) as RunTableJob;
  const store = await openHere(folder, { run });
  await install(store, markOf(1, 3));
  await advance(store, 2);
  const before = store.table();
  const folding = store.fold();
  await advance(store, 6);
  t.equal(store.table(), before, "decisions go on from the same one");
  const onDisk = await runHere("loadTable", { folder, owner });
  t.same(onDisk.deltas.at(-1)?.to, markOf(1, 11), "and a power cut now would lose nothing");
  arrive();
  const folded = await folding;
  t.ok(folded.ok && folded.value === store.table() && folded.value !== before);
  t.same(tableOf(store).mark, markOf(1, 11));
  t.ok(isWhole(tableOf(store)));
  await advance(store, 1);
  await store.close();
  t.same(await reopened(folder, (again) => tableOf(again).mark), markOf(1, 12));
});

t.test("a delta that was stored and did not apply is forgotten with the next", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 3));
  const from = markOf(1, 3);
  const change = { kind: "user_gone", user: userId("user-1") } as const;
  const gone = { ...deltaFrom(from), changes: [change] };
  t.ok((await store.append([gone])).ok);
  t.notOk(tableOf(store).apply(gone).ok, "its passes are still there");
  const again = await openHere(folder);
  t.same(tableOf(again).mark, from, "a restart stops before it");
  t.match(again.damages(), [{ file: "deltas.a", detail: /^1\.4 does not apply/ }, {}]);
  await advance(again, 1);
  t.same(again.damages(), []);
  await again.close();
  await store.close();
  t.ok(await reopened(folder, (healed) => isWhole(tableOf(healed))));
});

t.test("folding is due once a table keeps much beside its image", async (t) => {
  const store = await openHere(temporaryFolder(t));
  await install(store, markOf(1, 3));
  await advance(store, 100);
  t.notOk(store.foldIsDue());
  const passes = Array.from({ length: 4_096 }, (_, number): TableChange => {
    const raw = rawFromBits((0xff_0000_0000 + number).toString(2));
    const presents = { as: "raw", raw } as const;
    const of = { user: userId("user-1"), kind: "csn_card", active: true } as const;
    return { kind: "pass", pass: { ...of, id: passId(`new-${number}`), presents } };
  });
  await append(store, [{ ...deltaFrom(tableOf(store).mark), changes: passes }]);
  t.ok(store.foldIsDue());
  await fold(store);
  t.notOk(store.foldIsDue());
  await store.close();
});

t.test("what cannot be stored leaves the table in force, in memory and on disk", async (t) => {
  for (const blocked of ["deltas.a", "newest"]) {
    const folder = temporaryFolder(t);
    const first = await openHere(folder);
    await install(first, markOf(1, 3));
    await first.close();
    const store = await openHere(folder);
    const deltas = deltasFrom(markOf(1, 3), 2);
    await store.close();
    // A folder in the file's place refuses the rename, also to root.
    const whole = join(folder, blocked);
    rmSync(whole);
    mkdirSync(join(whole, "in the way"), { recursive: true });
    const stuck = await openHere(folder);
    t.match(await stuck.append(deltas), { ok: false, fault: { kind: "io" } });
    t.same(tableOf(stuck).mark, markOf(1, 3));
    t.notOk(readdirSync(folder).includes(`${blocked}.new`), "no half of it is left behind");
    rmSync(whole, { recursive: true });
    await append(stuck, deltas);
    await stuck.close();
    t.same(await reopened(folder, (again) => tableOf(again).mark), markOf(1, 5));
  }
});

t.test("a fold that cannot be written changes nothing and may be tried again", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 3));
  await advance(store, 3);
  const table = store.table();
  mkdirSync(join(folder, "image.b", "in the way"), { recursive: true });
  t.match(await store.fold(), { ok: false, fault: { kind: "io" } });
  t.equal(store.table(), table);
  await advance(store, 1);
  rmSync(join(folder, "image.b"), { recursive: true });
  await fold(store);
  await store.close();
  t.same(await reopened(folder, (again) => tableOf(again).mark), next(markOf(1, 6)));
});

t.test("a state folder that cannot be made is told, and the controller still opens", async (t) => {
  const file = join(temporaryFolder(t), "a-file");
  writeFileSync(file, "");
  const store = await openHere(join(file, "tables"));
  t.equal(store.table(), undefined);
  t.ok(store.damages().length > 0);
  t.match(await store.beginSnapshot(snapshotAt(markOf(1, 1)).manifest), {
    ok: false,
    fault: { kind: "io" },
  });
  await store.close();
});

t.test("another controller's table in the folder is not used", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 1));
  await store.close();
  const other = await openFiledTableStore({
    folder,
    owner: { ...owner, controller: controllerId("c2") },
    run: runHere,
    clock: new SimClock(),
  });
  t.equal(other.table(), undefined);
  t.match(other.damages(), [{ file: "image.a", detail: "it is another controller's table" }]);
  t.match(await fetch(other, snapshotAt(markOf(1, 2))), { ok: false, fault: "damaged" });
  await other.close();
});
