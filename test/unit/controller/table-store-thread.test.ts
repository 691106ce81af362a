import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Worker } from "node:worker_threads";
import t from "tap";
import type { Clock } from "../../../hal/clock.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { createTableRunner, tableJobMaxMs } from "../../../src/controller/table-runner.ts";
import type { TableStore } from "../../../src/controller/table-store.ts";
import { openTableStore } from "../../../src/controller/table-store.ts";
import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import { systemClock, temporaryFolder } from "./journal-records.ts";
import { markOf, owner } from "./paper-site.ts";
import { advance, fold, install, isWhole, openHere, tableOf } from "./table-store-rig.ts";

const provision = {
  ...owner,
  sitePublicKey: "",
  controllerKey: new Uint8Array(32),
  pinKey: new Uint8Array(32),
};

/** Threads that were started, and what is done to those that come. */
const living = new Set<Worker>();
let startedCount = 0;
let whenStarted: (worker: Worker) => void = () => undefined;
const noteWorker = (worker: Worker) => {
  living.add(worker);
  startedCount += 1;
  worker.once("exit", () => living.delete(worker));
  whenStarted(worker);
};
process.on("worker", noteWorker);
t.teardown(() => process.off("worker", noteWorker));

async function allGone(): Promise<void> {
  for (const worker of living) await once(worker, "exit");
}

/** However little there is to do. */
const inThreads = (clock: Clock) => createTableRunner(clock, -1);

function openInThreads(folder: string, clock: Clock = systemClock): Promise<TableStore> {
  return openHere(folder, { run: inThreads(clock), clock });
}

t.test("threads do what takes long, and none lives when nothing is to be done", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openInThreads(folder);
  await install(store, markOf(1, 3));
  await allGone();
  const before = startedCount;
  await advance(store, 30);
  t.equal(startedCount, before, "deltas need none");
  const folding = fold(store);
  await advance(store, 5);
  await folding;
  await store.close();
  const again = await openInThreads(folder);
  t.same(tableOf(again).mark, markOf(1, 38));
  t.ok(isWhole(tableOf(again)));
  await advance(again, 1);
  await again.close();
  await allGone();
  t.equal(living.size, 0);
});

t.test("a table of a few people needs no thread, and one of many has one", async (t) => {
  const folder = temporaryFolder(t);
  const before = startedCount;
  const store = await openTableStore({ folder, provision, clock: systemClock });
  await install(store, markOf(1, 3));
  await advance(store, 3);
  await fold(store);
  await store.close();
  const again = await openTableStore({ folder, provision, clock: systemClock });
  t.same(tableOf(again).mark, markOf(1, 6));
  await again.close();
  t.equal(startedCount, before);
  // As large as an image of a thousand: what is in it is looked at elsewhere.
  writeFileSync(join(folder, "image.b"), Buffer.alloc(65_536));
  const third = await openTableStore({ folder, provision, clock: systemClock });
  t.same(tableOf(third).mark, markOf(1, 6));
  await third.close();
  t.equal(startedCount, before + 1);
});

t.test("a thread that dies is an error of the call, and of nothing else", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openInThreads(folder);
  await install(store, markOf(1, 3));
  await advance(store, 3);
  const table = store.table();
  whenStarted = (worker) => void worker.terminate();
  t.match(await store.fold(), { ok: false, fault: { kind: "io", message: "its thread ended" } });
  t.equal(store.table(), table);
  await advance(store, 3);
  whenStarted = () => undefined;
  await fold(store);
  await store.close();
});

t.test("a thread that dies at the start is followed by another one", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 9));
  await store.close();
  whenStarted = (worker) => {
    whenStarted = () => undefined;
    void worker.terminate();
  };
  const again = await openInThreads(folder);
  t.equal(again.table(), undefined);
  t.match(again.damages(), [{ file: folder, detail: "its thread ended" }]);
  const found = await new Promise<AccessTable>((resolve) => again.onLoaded(resolve));
  t.equal(found, again.table());
  t.same(found.mark, markOf(1, 9));
  t.same(again.damages(), []);
  await again.close();
});

t.test("a thread that does not answer in time is given up, and the next one does", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 3));
  await store.close();
  const clock = new SimClock();
  const run = inThreads(clock);
  const { signal } = new AbortController();
  const online = new Promise<void>((resolve) => {
    whenStarted = (worker) => worker.once("online", resolve);
  });
  const loading = run("loadTable", { folder, owner }, signal);
  await online;
  clock.advance(tableJobMaxMs.loadTable);
  await t.rejects(loading, { name: "HalError", message: "it took longer than 60000 ms" });
  t.same((await run("loadTable", { folder, owner }, signal)).newest, markOf(1, 3));
  await allGone();
  t.equal(clock.alarmCount, 0);
});

t.test("a stop waits five seconds for a fold, and then ends its thread", async (t) => {
  const folder = temporaryFolder(t);
  const clock = new SimClock();
  const store = await openInThreads(folder, clock);
  await install(store, markOf(1, 3));
  await advance(store, 2);
  await allGone();
  const started = new Promise<Worker>((resolve) => {
    whenStarted = resolve;
  });
  const folding = store.fold();
  const worker = await started;
  whenStarted = () => undefined;
  // It says nothing any more, as where the disk hangs.
  worker.removeAllListeners("message");
  const exit = once(worker, "exit");
  const closing = store.close();
  clock.advance(4_999);
  t.equal(living.has(worker), true);
  clock.advance(1);
  t.match(await folding, { ok: false, fault: { kind: "io", message: "it was stopped" } });
  await closing;
  t.match(await store.fold(), { ok: false, fault: { message: "the store is closed" } });
  await exit;
  const found = await openHere(folder);
  t.same(tableOf(found).mark, markOf(1, 5), "whatever it had written");
  await found.close();
});
