import t from "tap";
import type { RunTableJob } from "../../../src/controller/table-jobs.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import type { TableMark } from "../../../src/domain/table-change.ts";
import { temporaryFolder } from "./journal-records.ts";
import { openSettledStage, openStage } from "./sync-stage.ts";
import { runHere } from "./table-store-rig.ts";
import { passOf, SignedTables } from "./tables.ts";

// Each test has a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(120_000);

const versionOf = ({ epoch, version }: TableMark) => ({ epoch, version });

t.test(
  "a controller without a table fetches it whole, and journals and reports that",
  async (t) => {
    const stage = await openStage(t, { tables: new SignedTables({ passCount: 20_000 }) });
    stage.up();
    await stage.untilThere();
    const { mark } = stage.tables;
    t.same(stage.applied, [mark]);
    t.same(stage.ofKind("table_applied"), [{ kind: "table_applied", applied: versionOf(mark) }]);
    const acks = stage.tableAcks();
    t.match(acks[0], { outcome: "progress", wanted: versionOf(mark), percent: 0 });
    t.same(acks.at(-1), { outcome: "complete", table: mark });
    t.same(stage.faults, []);
  },
);

t.test("a change is put in force in place, reported, and journalled", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  stage.say(stage.tables.change());
  await stage.untilThere();
  t.same(stage.changed, [stage.tables.mark]);
  t.same(stage.applied, []);
  const applied = versionOf(stage.tables.mark);
  t.same(stage.ofKind("table_applied"), [{ kind: "table_applied", applied }]);
  t.same(stage.tableAcks().at(-1), { outcome: "complete", table: stage.tables.mark });
  t.same(stage.faults, []);
});

t.test("of changes that follow fast the newest is journalled, every 10 s", async (t) => {
  const stage = await openSettledStage(t);
  const versions = () =>
    stage
      .ofKind("table_applied")
      .map((event) => event.kind === "table_applied" && event.applied.version);
  stage.up();
  for (let count = 0; count < 30; count += 1) {
    stage.say(stage.tables.change());
    await stage.quiet();
  }
  t.same(versions(), [2], "the first at once");
  stage.clock.advance(10_000);
  t.same(versions(), [2, 31]);
  await stage.quiet();
  stage.clock.advance(60_000);
  t.same(versions(), [2, 31]);
  t.equal(stage.clock.alarmCount, 0);
});

t.test("changes outlast a restart as soon as they are in force", async (t) => {
  const folder = temporaryFolder(t);
  const tables = new SignedTables();
  await t.test("before", async (t) => {
    const stage = await openSettledStage(t, { folder, tables });
    stage.up();
    for (let count = 0; count < 30; count += 1) stage.say(tables.change());
    await stage.untilThere();
  });
  const again = await openStage(t, { folder, tables });
  t.ok(again.isThere());
  again.up();
  await again.quiet();
  t.same(again.gets(), []);
});

t.test("a log that has grown is folded while changes go on", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  for (let count = 0; count < 200; count += 1) {
    const changes = Array.from({ length: 300 }, (_, number) => ({
      kind: "pass" as const,
      pass: passOf(number, count + 1),
    }));
    stage.say(stage.tables.step(changes, new Map(changes.map(({ pass }) => [pass.id, pass]))));
    if (count % 20 === 0) await stage.quiet();
  }
  await stage.until(() => stage.isThere() && !stage.store.foldIsDue());
  t.ok(stage.applied.length > 0, "another object took the table's place");
  t.same(stage.faults, []);
  const applied = stage.ofKind("table_applied");
  t.equal(new Set(applied.map((event) => JSON.stringify(event))).size, applied.length);
});

t.test("a change that the disk does not take is not in force until it does", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  stage.store.isFull = true;
  stage.say(stage.tables.change());
  await stage.until(() => stage.ofKind("table_refused").length > 0);
  t.same(stage.troubles.active(), ["table_not_stored"]);
  t.match(stage.ofKind("table_refused"), [{ reason: "not_stored" }]);
  t.match(stage.tableAcks().at(-1), { outcome: "refused", reason: "not_stored" });
  for (let step = 0; step < 20; step += 1) {
    await stage.quiet();
    stage.clock.advance(1_000);
  }
  t.same(stage.changed, []);
  t.equal(stage.ofKind("table_refused").length, 1, "each further try is not journalled again");
  stage.store.isFull = false;
  await stage.untilThere();
  t.same(stage.troubles.active(), []);
  t.same(stage.tableAcks().at(-1), { outcome: "complete", table: stage.tables.mark });
});

t.test("a snapshot that the disk does not take is fetched again when it does", async (t) => {
  const stage = await openStage(t);
  stage.store.isFull = true;
  stage.up();
  await stage.until(() => stage.troubles.active().includes("table_not_stored"));
  t.same(stage.applied, []);
  stage.store.isFull = false;
  await stage.untilThere();
  t.same(stage.troubles.active(), []);
});

t.test(
  "a table that could be read only after the start is put in force, and not fetched",
  async (t) => {
    const folder = temporaryFolder(t);
    const tables = new SignedTables();
    const before = await openSettledStage(t, { folder, tables });
    await before.end();
    let isPoor = true;
    const run = ((name, input) => {
      if (!isPoor) return runHere(name, input);
      isPoor = false;
      return Promise.reject(new HalError("io", "no thread"));
    }) as RunTableJob;
    const stage = await openStage(t, { folder, tables, run });
    t.equal(stage.store.table(), undefined);
    stage.clock.advance(1_000);
    await stage.until(() => stage.applied.length > 0);
    t.same(stage.applied, [tables.mark]);
    t.same(stage.ofKind("table_applied"), [], "the journal has that from before");
    stage.up();
    await stage.untilThere();
    t.same(stage.applied, [tables.mark], "it is not fetched once more");
  },
);
