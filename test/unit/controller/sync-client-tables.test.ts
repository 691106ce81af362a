import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { controllerId, siteId } from "../../../src/domain/ids.ts";
import { deriveKeys } from "../../../src/protocols/sync/provision.ts";
import { decodeCbor, encodeCbor } from "../../../src/protocols/sync/strict-cbor.ts";
import { sealTable } from "../../../src/protocols/sync/table-message.ts";
import { temporaryFolder } from "./journal-records.ts";
import { openStage, type SyncStage, topics } from "./sync-stage.ts";
import { content, keys, sealed, version } from "./tables.ts";

// Each test has a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(120_000);

function snapshot(stage: SyncStage, message: Uint8Array): void {
  stage.broker.deliver(topics.tableSnapshot, message);
}

const applied = (count: number) => (stage: SyncStage) => () => stage.applied.length >= count;

t.test(
  "a newer table is put in force, journalled and answered; again, it is only answered",
  async (t) => {
    const stage = await openStage(t);
    stage.broker.up();
    const message = sealed(content(version(1, 1)));
    snapshot(stage, message);
    await stage.until(applied(1)(stage));
    t.same(stage.applied, [content(version(1, 1))]);
    snapshot(stage, message);
    snapshot(stage, sealed(content(version(1, 1))));
    await stage.quiet();
    t.equal(stage.applied.length, 1);
    t.same(stage.ofKind("table_applied"), [{ kind: "table_applied", applied: version(1, 1) }]);
    t.same(stage.ofKind("table_refused"), []);
    const complete = { outcome: "complete", table: version(1, 1) };
    t.same(stage.tableAcks(), [complete, complete, complete]);
  },
);

/** Each is something that an attacker who owns the broker can put there. */
function forgeries(): Readonly<Record<string, readonly [reason: string, message: Uint8Array]>> {
  const good = content(version(1, 9));
  const message = sealed(good);
  const envelope = decodeCbor(message.subarray(1));
  if (!envelope.ok || !Array.isArray(envelope.value)) throw new Error("not an envelope");
  const [header, body] = envelope.value as [Uint8Array, Uint8Array];
  const wrap = (parts: unknown) => Buffer.concat([Buffer.of(1), encodeCbor(parts)]);
  const strange = generateKeyPairSync("ed25519").privateKey;
  const seal = (changed: Partial<typeof good>, signingKey = strange) =>
    sealTable({ content: { ...good, ...changed }, signingKey, tableKey: keys.tableKey });
  const flipped = Buffer.from(message);
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 1) ^ 1, flipped.length - 1);
  return {
    "nothing at all": ["malformed", new Uint8Array()],
    "a sentence": ["malformed", Buffer.from("open sesame")],
    "a table cut short": ["malformed", message.subarray(0, -1)],
    "an unsigned table": ["unsigned", wrap([header, body])],
    "an empty signature": ["unsigned", wrap([header, body, new Uint8Array()])],
    "one bit changed": ["altered", flipped],
    "another key's signature": ["altered", seal({})],
    "another site's": ["wrong_site", seal({ site: siteId("other") })],
    "another controller's": ["wrong_controller", seal({ controller: controllerId("other") })],
    "an older one": ["older", sealed(content(version(1, 4)))],
    "one of an older epoch": ["older", sealed(content(version(0, 99)))],
    "another with the same number": ["older", sealed(content(version(1, 5), 1_900_000_000_000))],
  };
}

t.test(
  "what is not the site's newest word is refused, journalled once, and changes nothing",
  async (t) => {
    const stage = await openStage(t);
    stage.broker.up();
    snapshot(stage, sealed(content(version(1, 5))));
    await stage.until(applied(1)(stage));
    for (const [name, [reason, message]] of Object.entries(forgeries())) {
      stage.clock.advance(60_000);
      const before = stage.ofKind("table_refused").length;
      for (let times = 0; times < 3; times += 1) snapshot(stage, message);
      await stage.quiet();
      const refusals = stage.ofKind("table_refused").slice(before);
      t.match(refusals, [{ kind: "table_refused", reason }], name);
      t.equal(refusals.length, 1, `${name}, three times`);
      t.match(stage.tableAcks().at(-1), { outcome: "refused", reason, table: version(1, 5) });
      t.equal(stage.applied.length, 1);
      t.same(stage.store.current(), content(version(1, 5)));
    }
  },
);

t.test("an older table is refused after a restart too, whatever file was lost", async (t) => {
  for (const lost of ["none", "table.a", "table.b", "table.newest"]) {
    const folder = temporaryFolder(t);
    await t.test(`lost: ${lost}`, async (t) => {
      const stage = await openStage(t, { folder });
      stage.broker.up();
      for (const [place, number] of [5, 7].entries()) {
        snapshot(stage, sealed(content(version(1, number))));
        await stage.until(applied(place + 1)(stage));
      }
    });
    rmSync(join(folder, "table", lost), { force: true });
    await t.test(`restarted without: ${lost}`, async (t) => {
      const again = await openStage(t, { folder });
      again.broker.up();
      for (const number of [4, 6]) snapshot(again, sealed(content(version(1, number))));
      await again.quiet();
      const inForce = again.store.current()?.table.version ?? 0;
      t.same(again.applied, []);
      t.match(again.ofKind("table_refused"), [{ reason: "older" }, { reason: "older" }]);
      snapshot(again, sealed(content(version(1, 7))));
      await again.until(() => again.store.current()?.table.version === 7);
      t.equal(again.applied.length, inForce === 7 ? 0 : 1, "the newest mends what was lost");
    });
  }
});

t.test("a table that the disk does not take is not in force until it does", async (t) => {
  const folder = temporaryFolder(t);
  const stage = await openStage(t, { folder });
  stage.broker.up();
  snapshot(stage, sealed(content(version(1, 1))));
  await stage.until(applied(1)(stage));
  const inTheWay = join(folder, "table", "table.b");
  mkdirSync(join(inTheWay, "in the way"), { recursive: true });
  snapshot(stage, sealed(content(version(1, 2))));
  await stage.until(() => stage.ofKind("table_refused").length > 0);
  t.same(stage.troubles.active(), ["table_not_stored"]);
  t.match(stage.ofKind("table_refused"), [{ reason: "not_stored" }]);
  t.match(stage.tableAcks().at(-1), {
    outcome: "refused",
    reason: "not_stored",
    table: version(1, 1),
  });
  await stage.clock.elapse(20_000);
  await stage.quiet();
  t.equal(stage.applied.length, 1);
  t.equal(stage.ofKind("table_refused").length, 1, "each further try is not journalled again");
  rmSync(inTheWay, { recursive: true });
  await stage.until(applied(2)(stage));
  t.same(stage.applied.at(-1)?.table, version(1, 2));
  t.same(stage.troubles.active(), []);
  t.same(stage.tableAcks().at(-1), { outcome: "complete", table: version(1, 2) });
});

t.test("tables that arrive while one is written end with the newest in force", async (t) => {
  const stage = await openStage(t);
  stage.broker.up();
  for (const number of [1, 3, 2, 4, 4]) snapshot(stage, sealed(content(version(1, number))));
  await stage.until(() => stage.applied.at(-1)?.table.version === 4);
  const order = stage.applied.map(({ table }) => table.version);
  t.same(order, [...order].sort(), "none of them goes back");
  t.same(stage.store.current()?.table, version(1, 4));
});

t.test(
  "a broker that floods the table topic with rubbish costs a dozen entries a minute",
  async (t) => {
    const stage = await openStage(t);
    stage.broker.up();
    for (let count = 0; count < 5_000; count += 1) snapshot(stage, randomBytes(40));
    await stage.quiet();
    t.equal(stage.ofKind("table_refused").length, 10);
    t.equal(stage.tableAcks().length, 60);
    stage.clock.advance(60_000);
    const last = stage.ofKind("table_refused").at(-1);
    t.match(last, { reason: "malformed", detail: "the last of 4990 more that were refused" });
    t.equal(stage.ofKind("table_refused").length, 11);
    await stage.until(() => stage.site.entries.length >= 11);
    t.equal(stage.clock.alarmCount, 0);
    snapshot(stage, sealed(content(version(1, 1))));
    await stage.until(applied(1)(stage));
  },
);

t.test("keys of another controller do not open this one's table", async (t) => {
  const stage = await openStage(t);
  stage.broker.up();
  const { tableKey } = deriveKeys(randomBytes(32));
  const { privateKey } = generateKeyPairSync("ed25519");
  snapshot(stage, sealTable({ content: content(version(9, 9)), signingKey: privateKey, tableKey }));
  await stage.quiet();
  t.match(stage.ofKind("table_refused"), [{ reason: "altered" }]);
});
