import { generateKeyPairSync } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { passId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { snapshotName } from "../../../src/protocols/sync/snapshot-chunk.ts";
import { sealManifest } from "../../../src/protocols/sync/snapshot-manifest.ts";
import { sealTableDelta } from "../../../src/protocols/sync/table-delta.ts";
import { drawRequest } from "../../../src/protocols/sync/table-get.ts";
import { sealTableHead } from "../../../src/protocols/sync/table-head.ts";
import { temporaryFolder } from "./journal-records.ts";
import { openSettledStage, openStage } from "./sync-stage.ts";
import { passOf, SignedTables, sealerWith, topics } from "./tables.ts";

// Each test has a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(120_000);

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
  await stage.untilThere();
  t.same(stage.applied, [tables.mark]);
});

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
      await stage.untilThere();
      stage.say(tables.change());
      await stage.untilThere();
    });
    rmSync(join(folder, "table", lost), { force: true });
    await t.test(`restarted without: ${lost}`, async (t) => {
      const again = await openStage(t, { folder, tables });
      again.broker.up();
      again.say(old);
      await again.quiet();
      t.match(again.ofKind("table_refused"), [{ reason: "older" }]);
      again.say(tables.head());
      await again.untilThere();
      t.same(again.faults, [], "the newest mends what was lost");
    });
  }
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
  await stage.untilThere();
  t.equal(stage.ofKind("table_applied").length, 1);
  t.same(stage.faults, []);
});

t.test("a site that was restored from a copy comes after what its controller has", async (t) => {
  const stage = await openSettledStage(t);
  const copy = stage.tables.copy();
  stage.up();
  for (let count = 0; count < 3; count += 1) stage.say(stage.tables.change());
  await stage.untilThere();
  const inForce = stage.tables.mark;
  stage.tables.restore(copy);
  stage.say(stage.tables.head());
  await stage.quiet();
  t.match(stage.tableAcks().at(-1), { outcome: "refused", reason: "older", table: inForce });
  stage.tables.jump({ epoch: inForce.epoch + 1, version: 1 });
  stage.say(stage.tables.head());
  await stage.untilThere();
  t.same(stage.faults, []);
});
