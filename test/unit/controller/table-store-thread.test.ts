import { once } from "node:events";
import process from "node:process";
import type { Worker } from "node:worker_threads";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { openTableStore } from "../../../src/controller/table-store.ts";
import { createTableThread, tableJobMaxMs } from "../../../src/controller/table-thread.ts";
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

t.test("threads do what takes long, and none lives when nothing is to be done", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openTableStore({ folder, provision, clock: systemClock });
  await install(store, markOf(1, 3));
  await allGone();
  const before = startedCount;
  await advance(store, 30);
  t.equal(startedCount, before, "deltas need none");
  const folding = fold(store);
  await advance(store, 5);
  await folding;
  await store.close();
  const again = await openTableStore({ folder, provision, clock: systemClock });
  t.same(tableOf(again).mark, markOf(1, 38));
  t.ok(isWhole(tableOf(again)));
  await advance(again, 1);
  await again.close();
  await allGone();
  t.equal(living.size, 0);
});

t.test("a thread that dies is an error of the call, and of nothing else", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openTableStore({ folder, provision, clock: systemClock });
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
  // At the start there is nobody to try again later.
  whenStarted = (worker) => {
    whenStarted = () => undefined;
    void worker.terminate();
  };
  const again = await openTableStore({ folder, provision, clock: systemClock });
  t.same(tableOf(again).mark, markOf(1, 9));
  await again.close();
});

t.test("a thread that does not answer in time is given up, and the next one does", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openHere(folder);
  await install(store, markOf(1, 3));
  await store.close();
  const clock = new SimClock();
  const run = createTableThread(clock);
  const online = new Promise<void>((resolve) => {
    whenStarted = (worker) => worker.once("online", resolve);
  });
  const loading = run("loadTable", { folder, owner });
  await online;
  clock.advance(tableJobMaxMs.loadTable);
  await t.rejects(loading, { name: "HalError", message: "it took longer than 60000 ms" });
  t.same((await run("loadTable", { folder, owner })).newest, markOf(1, 3));
  await allGone();
});
