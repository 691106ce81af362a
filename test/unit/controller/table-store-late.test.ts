import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import type { RunTableJob, TableJobName } from "../../../src/controller/table-jobs.ts";
import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import type { TableMark } from "../../../src/domain/table-change.ts";
import { temporaryFolder } from "./journal-records.ts";
import { markOf, snapshotAt } from "./paper-site.ts";
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

/** A machine on which some jobs fail, as where no thread can be started. */
class PoorMachine {
  readonly clock = new SimClock();
  readonly asked: TableJobName[] = [];
  failing: readonly TableJobName[] = ["loadTable"];
  readonly run = ((name, input) => {
    this.asked.push(name);
    if (this.failing.includes(name)) return Promise.reject(new HalError("io", "no thread"));
    return runHere(name, input);
  }) as RunTableJob;
}

/** Image a of 1.3 with a log to 1.9, image b of 1.7 with one to 1.9. */
async function fill(folder: string): Promise<void> {
  const store = await openHere(folder);
  await install(store, markOf(1, 3));
  await advance(store, 4);
  await fold(store);
  await advance(store, 2);
  await store.close();
}

t.test("a table that could not be read at the start is in force once it can be", async (t) => {
  const folder = temporaryFolder(t);
  await fill(folder);
  const machine = new PoorMachine();
  const store = await openHere(folder, machine);
  t.equal(store.table(), undefined, "the doors are not kept waiting");
  t.same(store.newestAccepted(), markOf(1, 9));
  t.match(store.damages(), [{ file: folder, detail: "no thread" }]);
  const waits: number[] = [];
  const told: AccessTable[] = [];
  store.onLoaded((table) => told.push(table));
  for (let tries = 0; tries < 5; tries += 1) {
    while (machine.clock.alarmCount === 0) await nextTurn();
    const since = machine.clock.monotonic();
    while (machine.clock.alarmCount > 0) machine.clock.advance(1_000);
    waits.push(machine.clock.monotonic() - since);
  }
  t.same(waits, [1_000, 2_000, 4_000, 8_000, 16_000], "at longer and longer intervals");
  while (machine.clock.alarmCount === 0) await nextTurn();
  machine.failing = [];
  const found = new Promise<AccessTable>((resolve) => store.onLoaded(resolve));
  machine.clock.advance(5 * 60_000);
  t.equal(await found, store.table());
  t.same(tableOf(store).mark, markOf(1, 9));
  t.ok(isWhole(tableOf(store)));
  t.same(store.damages(), []);
  await advance(store, 2);
  await fold(store);
  machine.clock.advance(60 * 60_000);
  t.equal(machine.asked.filter((name) => name === "loadTable").length, 7, "and never again");
  t.equal(machine.clock.alarmCount, 0);
  t.same(told, []);
  await store.close();
  t.same(await reopened(folder, (again) => tableOf(again).mark), markOf(1, 11));
});

t.test("a file that the disk does not give now may be given later", async (t) => {
  const folder = temporaryFolder(t);
  await fill(folder);
  const machine = new PoorMachine();
  machine.failing = [];
  let isUnread = true;
  const nothing = { image: undefined, deltas: [], newest: undefined, damages: [] };
  const run = (async (name, input, stop) =>
    name === "loadTable" && isUnread
      ? { ...nothing, isUnread }
      : machine.run(name, input, stop)) as RunTableJob;
  const store = await openHere(folder, { run, clock: machine.clock });
  t.equal(store.table(), undefined);
  const found = new Promise<AccessTable>((resolve) => store.onLoaded(resolve));
  isUnread = false;
  machine.clock.advance(1_000);
  t.same((await found).mark, markOf(1, 9));
  await store.close();
});

t.test("a snapshot is not put over a table that could be read just in time", async (t) => {
  const folder = temporaryFolder(t);
  await fill(folder);
  const machine = new PoorMachine();
  const store = await openHere(folder, machine);
  machine.failing = [];
  const found: TableMark[] = [];
  store.onLoaded(({ mark }) => found.push(mark));
  t.ok((await fetch(store, snapshotAt(markOf(1, 12)))).ok);
  t.same(found, [markOf(1, 9)], "it decides while the snapshot comes");
  t.same(tableOf(store).mark, markOf(1, 12));
  machine.clock.advance(60 * 60_000);
  t.equal(machine.clock.alarmCount, 0, "nothing is left to be read");
  await store.close();
});

t.test("of tables that cannot be read a snapshot takes the place of the oldest", async (t) => {
  const folder = temporaryFolder(t);
  await fill(folder);
  const newer = readFileSync(join(folder, "image.b"));
  rmSync(join(folder, "newest"));
  const machine = new PoorMachine();
  const store = await openHere(folder, machine);
  t.match(await fetch(store, snapshotAt(markOf(1, 6))), { ok: false, fault: "older" });
  t.ok((await fetch(store, snapshotAt(markOf(1, 12)))).ok);
  t.same(tableOf(store).mark, markOf(1, 12));
  t.ok(readFileSync(join(folder, "image.b")).equals(newer));
  await store.close();
  t.same(await reopened(folder, (again) => tableOf(again).mark), markOf(1, 12));
});

t.test("a table that cannot be read is kept where a slot is free for a snapshot", async (t) => {
  const folder = temporaryFolder(t);
  const first = await openHere(folder);
  await install(first, markOf(1, 3));
  await first.close();
  const image = readFileSync(join(folder, "image.a"));
  const store = await openHere(folder, new PoorMachine());
  t.ok((await fetch(store, snapshotAt(markOf(1, 12)))).ok);
  await store.close();
  t.ok(readFileSync(join(folder, "image.a")).equals(image));
  t.same(await reopened(folder, (again) => tableOf(again).mark), markOf(1, 12));
});

t.test("a stop comes to its end although the disk does not", async (t) => {
  const folder = temporaryFolder(t);
  const clock = new SimClock();
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const run = ((name, input) => {
    if (name !== "foldImage") return runHere(name, input);
    begin();
    return new Promise(() => undefined);
  }) as RunTableJob;
  const store = await openHere(folder, { run, clock });
  await install(store, markOf(1, 3));
  void store.fold();
  await begun;
  let isClosed = false;
  const closing = store.close().then(() => {
    isClosed = true;
  });
  clock.advance(5_000);
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
  t.notOk(isClosed);
  clock.advance(1_000);
  await closing;
  t.ok(isClosed);
});
