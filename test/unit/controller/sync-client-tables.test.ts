import { generateKeyPairSync, randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import type { RunTableJob } from "../../../src/controller/table-jobs.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { passId } from "../../../src/domain/ids.ts";
import type { TableMark } from "../../../src/domain/table-change.ts";
import { epochMs, type MonotonicMs, monotonicMs } from "../../../src/domain/time.ts";
import { sealSecretly } from "../../../src/protocols/sync/site-seal.ts";
import { snapshotName } from "../../../src/protocols/sync/snapshot-chunk.ts";
import { sealManifest } from "../../../src/protocols/sync/snapshot-manifest.ts";
import { encodeCbor } from "../../../src/protocols/sync/strict-cbor.ts";
import { sealTableDelta } from "../../../src/protocols/sync/table-delta.ts";
import { drawRequest } from "../../../src/protocols/sync/table-get.ts";
import { sealTableHead } from "../../../src/protocols/sync/table-head.ts";
import { temporaryFolder } from "./journal-records.ts";
import { openSettledStage, openStage, type SyncStage } from "./sync-stage.ts";
import { runHere } from "./table-store-rig.ts";
import { passOf, SignedTables, sealerWith, topics } from "./tables.ts";

// Each test has a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(120_000);

const isThere = (stage: SyncStage) => () => stage.isThere();

const versionOf = ({ epoch, version }: TableMark) => ({ epoch, version });

t.test(
  "a controller without a table fetches it whole, and journals and reports that",
  async (t) => {
    const stage = await openStage(t, { tables: new SignedTables({ passCount: 20_000 }) });
    stage.up();
    await stage.until(isThere(stage));
    const { mark } = stage.tables;
    t.same(stage.applied, [mark]);
    t.same(stage.ofKind("table_applied"), [{ kind: "table_applied", applied: versionOf(mark) }]);
    const acks = stage.tableAcks();
    t.match(acks[0], { outcome: "progress", wanted: versionOf(mark), percent: 0 });
    t.same(acks.at(-1), { outcome: "complete", table: mark });
    t.same(stage.faults, []);
  },
);

t.test("old words put no old table in force at a controller that lost its storage", async (t) => {
  const tables = new SignedTables();
  const request = drawRequest();
  const old = [tables.head(), tables.head(request), tables.manifest()];
  const chunks = tables.answer({
    want: "chunks",
    snapshot: snapshotName(tables.snapshot().manifest),
    from: 0,
    count: 1,
    request,
  });
  tables.change();
  const stage = await openStage(t, { tables });
  stage.isAnswering = false;
  stage.broker.up();
  for (let times = 0; times < 20; times += 1) {
    for (const message of [...old, ...chunks]) stage.say(message);
    await stage.quiet();
    stage.clock.advance(10_000);
  }
  t.same(stage.applied, []);
  t.same([...new Set(stage.gets().map(({ want }) => want))], ["head"]);
  // Held back until it is too late to tell what the site has said since.
  const late = tables.head(stage.gets().at(-1)?.request);
  tables.change();
  stage.clock.advance(31_000);
  stage.say(late);
  t.equal(stage.gets().at(-1)?.want, "head");
  stage.isAnswering = true;
  await stage.until(isThere(stage));
  t.same(stage.applied, [tables.mark]);
});

t.test("a change is put in force in place, reported, and journalled", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  stage.say(stage.tables.change());
  await stage.until(isThere(stage));
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
    await stage.until(isThere(stage));
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

/** Each is something that an attacker who owns the broker can put there. */
function forgeries(
  tables: SignedTables,
): Readonly<Record<string, readonly [reason: string, topic: string, message: Uint8Array]>> {
  const { mark } = tables;
  const strange = sealerWith(generateKeyPairSync("ed25519").privateKey);
  const newer = { ...mark, version: mark.version + 1 };
  const head = { mark: newer, deltasFrom: 1 };
  const step = { from: mark, compiledAt: epochMs(0), changes: [] };
  const { manifest } = tables.snapshot();
  const good = sealTableHead(tables.sealer, head);
  const flipped = Buffer.from(good);
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 1) ^ 1, flipped.length - 1);
  const { tableHead, tableDelta, tableManifest, tableChunk } = topics;
  const ofOther = { ...tables.sealer, controller: strange.site as never };
  return {
    "nothing at all": ["malformed", tableHead, new Uint8Array()],
    "a sentence": ["malformed", tableHead, Buffer.from("open sesame")],
    "a head cut short": ["altered", tableHead, good.subarray(0, -1)],
    "a head with one bit changed": ["altered", tableHead, flipped],
    "a head by another key": ["altered", tableHead, sealTableHead(strange, head)],
    "another controller's head": ["altered", tableHead, sealTableHead(ofOther, head)],
    "a delta by another key": ["altered", tableDelta, sealTableDelta(strange, step).message],
    "a head in a delta's place": ["altered", tableDelta, good],
    "a manifest by another key": [
      "altered",
      tableManifest,
      sealManifest(strange, { ...manifest, mark: newer }),
    ],
    "a chunk of nothing": ["malformed", tableChunk, Buffer.of(1)],
    "an older head": [
      "older",
      tableHead,
      sealTableHead(tables.sealer, { mark: { ...mark, version: 0 }, deltasFrom: 1 }),
    ],
    "another table of the same number": [
      "number_taken",
      tableHead,
      sealTableHead(tables.sealer, {
        mark: { ...mark, tag: (mark.tag + 1) % 2 ** 32 },
        deltasFrom: 1,
      }),
    ],
    "a delta from another table": [
      "number_taken",
      tableDelta,
      sealTableDelta(tables.sealer, { ...step, from: { ...mark, tag: (mark.tag + 1) % 2 ** 32 } })
        .message,
    ],
  };
}

t.test(
  "what is not the site's newest word is refused, journalled once, and changes nothing",
  async (t) => {
    const stage = await openSettledStage(t);
    stage.up();
    const { mark } = stage.tables;
    for (const [name, [reason, topic, message]] of Object.entries(forgeries(stage.tables))) {
      stage.clock.advance(3_600_000);
      const before = stage.ofKind("table_refused").length;
      for (let times = 0; times < 3; times += 1) stage.say({ topic, message });
      await stage.quiet();
      const refusals = stage.ofKind("table_refused").slice(before);
      t.match(refusals, [{ kind: "table_refused", reason }], name);
      t.equal(refusals.length, 1, `${name}, three times`);
      const acks = stage.tableAcks();
      t.ok(
        acks.some((ack) => ack?.outcome === "refused" && ack.reason === reason),
        name,
      );
      t.same(stage.store.table()?.mark, mark);
    }
    t.same(stage.applied, []);
    t.same(stage.changed, []);
  },
);

t.test("an older table is refused after a restart too, whatever file was lost", async (t) => {
  for (const lost of ["none", "image.a", "image.b", "deltas.a", "deltas.b", "newest"]) {
    const folder = temporaryFolder(t);
    const tables = new SignedTables();
    const old = tables.head();
    await t.test(`lost: ${lost}`, async (t) => {
      const stage = await openSettledStage(t, { folder, tables });
      stage.up();
      tables.jump();
      stage.say(tables.head());
      await stage.until(isThere(stage));
      stage.say(tables.change());
      await stage.until(isThere(stage));
    });
    rmSync(join(folder, "table", lost), { force: true });
    await t.test(`restarted without: ${lost}`, async (t) => {
      const again = await openStage(t, { folder, tables });
      again.broker.up();
      again.say(old);
      await again.quiet();
      t.match(again.ofKind("table_refused"), [{ reason: "older" }]);
      again.say(tables.head());
      await again.until(isThere(again));
      t.same(again.faults, [], "the newest mends what was lost");
    });
  }
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
  await stage.until(isThere(stage));
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
  await stage.until(isThere(stage));
  t.same(stage.troubles.active(), []);
});

t.test("a change that contradicts the table is refused, and a snapshot mends it", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  const { mark } = stage.tables;
  const missing = { ...passOf(3, 9), id: passId("another"), presents: passOf(0, 0).presents };
  stage.say(stage.tables.step([{ kind: "pass", pass: missing }]));
  await stage.until(() => stage.ofKind("table_refused").length > 0);
  t.match(stage.ofKind("table_refused"), [{ reason: "invalid_content" }]);
  const refused = stage.tableAcks().find((ack) => ack?.outcome === "refused");
  t.same(refused?.table, mark, "it says what is in force");
  await stage.until(isThere(stage));
  t.equal(stage.ofKind("table_applied").length, 1);
  t.same(stage.faults, []);
});

t.test("a site that was restored from a copy comes after what its controller has", async (t) => {
  const stage = await openSettledStage(t);
  const copy = stage.tables.copy();
  stage.up();
  for (let count = 0; count < 3; count += 1) stage.say(stage.tables.change());
  await stage.until(isThere(stage));
  const inForce = stage.tables.mark;
  stage.tables.restore(copy);
  stage.say(stage.tables.head());
  await stage.quiet();
  t.match(stage.tableAcks().at(-1), { outcome: "refused", reason: "older", table: inForce });
  stage.tables.jump({ epoch: inForce.epoch + 1, version: 1 });
  stage.say(stage.tables.head());
  await stage.until(isThere(stage));
  t.same(stage.faults, []);
});

t.test(
  "a broker that floods a table's topic with rubbish costs a dozen entries in an hour",
  async (t) => {
    const stage = await openSettledStage(t);
    stage.up();
    await stage.quiet();
    for (let count = 0; count < 5_000; count += 1) {
      stage.say({ topic: topics.tableHead, message: randomBytes(40) });
    }
    await stage.quiet();
    t.equal(stage.ofKind("table_refused").length, 10);
    t.equal(stage.tableAcks().length, 60);
    t.ok(stage.gets().length <= 1);
    stage.clock.advance(3_600_000);
    const last = stage.ofKind("table_refused").at(-1);
    t.match(last, { detail: "the last of 4990 more that were refused" });
    t.equal(stage.ofKind("table_refused").length, 11);
    stage.say(stage.tables.change());
    await stage.until(isThere(stage));
    await stage.until(() => stage.site.entries.length >= 11);
    t.equal(stage.clock.alarmCount, 0);
  },
);

t.test("a flood of rubbish takes no room from what has the site overtake us", async (t) => {
  const stage = await openSettledStage(t);
  const copy = stage.tables.copy();
  stage.up();
  stage.say(stage.tables.change());
  await stage.until(isThere(stage));
  const inForce = stage.tables.mark;
  stage.tables.restore(copy);
  for (let count = 0; count < 1_000; count += 1) {
    stage.say({ topic: topics.tableHead, message: randomBytes(40) });
  }
  stage.say(stage.tables.head());
  await stage.quiet();
  t.match(stage.tableAcks().at(-1), { outcome: "refused", reason: "older", table: inForce });
});

t.test("what a known delta changes is not even read", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  stage.say(stage.tables.change());
  await stage.until(isThere(stage));
  const { epoch, version } = stage.tables.mark;
  const deltaAfter = (after: number) => {
    const values = [[epoch, after, 0, 0], "no changes"].map((value) => encodeCbor(value));
    return sealSecretly(stage.tables.sealer, "table/delta", Buffer.concat(values));
  };
  stage.say({ topic: topics.tableDelta, message: deltaAfter(version - 1) });
  t.same(stage.ofKind("table_refused"), []);
  stage.say({ topic: topics.tableDelta, message: deltaAfter(version + 1) });
  t.match(stage.ofKind("table_refused"), [{ reason: "invalid_content" }], "one for later is");
});

/** Looking at it takes time, as everything does. */
class BusyClock extends SimClock {
  lookMs = 0;
  #spentMs = 0;

  override monotonic(): MonotonicMs {
    this.#spentMs += this.lookMs;
    return monotonicMs(super.monotonic() + this.#spentMs);
  }
}

t.test("a flood gets a quarter of a second's time, and what it drowned is fetched", async (t) => {
  const clock = new BusyClock();
  const stage = await openSettledStage(t, { clock });
  stage.up();
  await stage.quiet();
  clock.lookMs = 1;
  const before = clock.monotonic();
  for (let count = 0; count < 400; count += 1) {
    stage.say({ topic: topics.tableHead, message: randomBytes(40) });
  }
  t.ok(clock.monotonic() - before > 250);
  const refusedCount = stage.tableAcks().length;
  stage.say(stage.tables.change());
  clock.lookMs = 0;
  await stage.quiet();
  t.notOk(stage.isThere(), "it was dropped");
  t.equal(stage.tableAcks().length, refusedCount);
  await stage.until(isThere(stage));
  t.ok(clock.monotonic() - before < 10_000, "within seconds");
  t.same(stage.faults, []);
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
    await stage.until(isThere(stage));
    t.same(stage.applied, [tables.mark], "it is not fetched once more");
  },
);
