import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import t from "tap";
import { type ControllerId, controllerId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { sealTableAck, type TableAck } from "../../../src/protocols/sync/table-ack-message.ts";
import { headGatherMs } from "../../../src/site/table-heads.ts";
import { repairIntervalMs } from "../../../src/site/table-publisher.ts";
import { pairing } from "../protocols/sync/samples.ts";
import { one, type SiteRig, siteFile, startSite } from "./site-rig.ts";
import { TableTaker } from "./table-taker.ts";
import { textFile } from "./text-site.ts";

const two = controllerId("two");
const epoch = 1_800_000_000;

const takers = (rig: SiteRig) => [new TableTaker(rig, one), new TableTaker(rig, two)] as const;

const markOf = (rig: SiteRig, controller: ControllerId) =>
  new TableTaker(rig, controller).head().mark;

const versionsOf = (rig: SiteRig) =>
  rig.service.controllers().map(({ controller, sync }) => [controller, sync?.wanted.version]);

const syncOf = (rig: SiteRig) =>
  rig.service.controllers().find(({ controller }) => controller === one)?.sync;

function tell(rig: SiteRig, ack: TableAck): void {
  rig.broker.deliver(rig.topics.tableAck, sealTableAck(rig.scope, ack));
}

const renamed = (from: string, to: string) =>
  siteFile().replace(`name = "${from}"`, `name = "${to}"`);

t.test("each controller is sent its own doors, and a pass that opens none", async (t) => {
  const rig = await startSite(t);
  t.match(rig.service.apply(siteFile(), "x.toml"), { ok: true });
  const [first, second] = takers(rig);
  const { mark, compiledAt, frame } = first.follow();
  t.match(mark, { epoch, version: 1 });
  t.equal(compiledAt, rig.now);
  t.match(frame, { doors: [{ id: "front" }], rules: [{ id: "staff", doors: ["front"] }] });
  t.same(frame.schedules, [], "no rule of it names the schedule");
  t.match(second.follow().frame.doors, [{ id: "back" }]);
  t.ok(first.pass("bob-card"), "known, so that Bob is told no_access");
});

t.test("a change goes out at once, as a delta of what is different", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const [first, second] = takers(rig);
  first.follow();
  rig.service.apply(siteFile().replace("number = 1111", "number = 2222"), "x.toml");
  const [delta, ...more] = first.deltas();
  t.match(delta, { from: { version: 1 }, to: { version: 2 }, compiledAt: rig.now });
  t.match(delta?.changes, [{ kind: "pass", pass: { id: "bob-card" } }]);
  t.equal(delta?.changes.length, 1);
  t.same(more, []);
  t.equal(rig.broker.published.at(-1)?.retain, false);
  t.same(first.follow().mark, delta?.to);
  t.same(new Set(first.passes()), new Set(second.passes()), "as somebody who took it whole has it");
});

t.test("heads say so soon after, once for many changes, and are retained", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  rig.service.apply(renamed("Front", "Main"), "x.toml");
  const heads = () => rig.broker.published.filter(({ topic }) => topic === rig.topics.tableHead);
  t.same(heads(), []);
  rig.clock.advance(headGatherMs);
  t.match(heads(), [{ retain: true, qos: 1 }]);
  t.match(new TableTaker(rig, one).head(), { mark: { version: 2 }, deltasFrom: 2 });
  t.equal(rig.clock.alarmCount, 0, "and then there is nothing to wait for");
  rig.service.apply(renamed("Front", "Gate"), "x.toml");
  const said = heads().length;
  rig.service.close();
  t.equal(heads().length, said + 1, "a site that ends says it before");
});

t.test("a model that did not change keeps its version, also over a restart", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const { mark } = new TableTaker(rig, one).follow();
  const chunks = new TableTaker(rig, one).manifest()?.chunkHashes;
  const again = rig.service.apply(siteFile("# nothing new"), "x.toml");
  t.match(again, { ok: true, value: [{ changed: false }, { changed: false }] });
  rig.service.close();
  const restarted = await startSite(t, { folder: rig.folder, now: rig.now + 60_000 });
  t.same(new TableTaker(restarted, one).follow().mark, mark);
  t.same(new TableTaker(restarted, one).manifest()?.chunkHashes, chunks, "a transfer goes on");
  t.equal(restarted.service.applied(), "x.toml");
});

t.test("deltas outlast a restart of the site", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const taker = new TableTaker(rig, one);
  const table = taker.follow();
  rig.service.apply(renamed("Front", "Main"), "x.toml");
  rig.service.apply(renamed("Front", "Gate"), "x.toml");
  rig.service.close();
  const restarted = new TableTaker(await startSite(t, { folder: rig.folder }), one);
  t.match(restarted.head(), { mark: { version: 3 }, deltasFrom: 2 });
  restarted.table = table;
  t.match(restarted.follow().frame.doors, [{ name: "Gate" }]);
});

t.test("a model that changed while nobody ran goes out as a snapshot", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  rig.service.close();
  const text = renamed("Front", "Main");
  writeFileSync(textFile(rig.folder), JSON.stringify({ file: "x.toml", text }));
  const restarted = await startSite(t, { folder: rig.folder });
  const taker = new TableTaker(restarted, one);
  t.match(taker.head(), { mark: { epoch, version: 2 }, deltasFrom: 3 });
  t.match(taker.follow().frame.doors, [{ name: "Main" }]);
  t.match(markOf(restarted, two), { version: 1 }, "and for nobody else");
});

t.test("only the controller whose doors changed gets a new number", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  rig.service.apply(renamed("Back", "Yard"), "x.toml");
  t.same(versionsOf(rig), [
    ["one", 1],
    ["two", 2],
  ]);
  t.same(takers(rig)[0].deltas(), []);
});

t.test("a controller that lost its last door is sent an empty table", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const taker = new TableTaker(rig, two);
  taker.follow();
  rig.service.apply(siteFile().replace('controller = "two"', 'controller = "one"'), "x.toml");
  t.match(taker.follow().frame, { doors: [], rules: [] });
  t.same([taker.users(), taker.passes()], [[], []]);
  t.equal(taker.follow().mark.version, 2);
});

t.test("a number is on disk before its table is out", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const { mark } = new TableTaker(rig, one).follow();
  rig.broker.publish = () => {
    const disk = new Database(join(rig.folder, "site", "tables.sqlite3"), { readonly: true });
    const stored = disk.prepare("SELECT count(*) FROM deltas").pluck().get();
    disk.close();
    t.equal(stored, 2, "for all controllers before one of them is told");
    throw new Error("power cut");
  };
  const both = renamed("Front", "Main").replace('"Back"', '"Yard"');
  t.throws(() => rig.service.apply(both, "x.toml"), /power cut/);
  rig.broker.publish = () => Promise.resolve();
  rig.service.close();
  const restarted = await startSite(t, { folder: rig.folder });
  t.match(
    markOf(restarted, one),
    { version: 3 },
    "what is kept is as before, and has a new number",
  );
  restarted.service.apply(both, "x.toml");
  t.match(markOf(restarted, one), { version: 4 }, "no number is given out twice");
  t.not(markOf(restarted, one).tag, mark.tag);
});

t.test("a change that the disk does not take is sent to nobody", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const disk = new Database(join(rig.folder, "site", "tables.sqlite3"));
  t.teardown(() => disk.close());
  // At the second controller: the first must not go ahead alone.
  disk.exec(`CREATE TRIGGER full BEFORE INSERT ON deltas WHEN NEW.controller = 'two'
    BEGIN SELECT RAISE(ABORT, 'disk full'); END`);
  const published = rig.broker.published.length;
  const both = renamed("Front", "Main").replace('"Back"', '"Yard"');
  t.throws(() => rig.service.apply(both, "x.toml"), /disk full/);
  t.equal(rig.broker.published.length, published);
  t.match(markOf(rig, one), { version: 1 });
  disk.exec("DROP TRIGGER full");
  const taker = new TableTaker(rig, one);
  taker.follow();
  rig.service.apply(both, "x.toml");
  t.match(taker.follow().frame.doors, [{ name: "Main" }]);
});

t.test("a change that the disk did not take is not in force after a restart either", async (t) => {
  for (const isFirst of [true, false]) {
    const rig = await startSite(t);
    if (!isFirst) rig.service.apply(siteFile(), "x.toml");
    const disk = new Database(join(rig.folder, "site", "tables.sqlite3"));
    t.teardown(() => disk.close());
    disk.exec("CREATE TRIGGER full BEFORE INSERT ON tables BEGIN SELECT RAISE(ABORT, 'full'); END");
    t.throws(() => rig.service.apply(renamed("Front", "Main"), "y.toml"), /full/);
    disk.exec("DROP TRIGGER full");
    t.equal(rig.service.applied(), isFirst ? undefined : "x.toml");
    rig.service.close();
    const restarted = await startSite(t, { folder: rig.folder });
    t.equal(restarted.service.applied(), isFirst ? undefined : "x.toml");
    t.match(syncOf(restarted)?.wanted, isFirst ? undefined : { epoch, version: 1 });
  }
});

t.test("a file with faults changes nothing and says where they are", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const published = rig.broker.published.length;
  const broken = rig.service.apply(siteFile().replace('"246810"', '"12"'), "y.toml");
  t.match(broken, { ok: false, fault: [{ file: "y.toml", key: "passes[1].pin" }] });
  const other = rig.service.apply(siteFile().replace('site = "test"', 'site = "other"'), "y.toml");
  t.match(other, { ok: false, fault: [{ key: "site" }] });
  t.equal(rig.service.apply("\u0000", "y.toml").ok, false);
  t.equal(rig.broker.published.length, published);
  t.equal(rig.service.applied(), "x.toml");
});

t.test("changes made while the link was down are told by the heads when it is up", async (t) => {
  const rig = await startSite(t);
  rig.broker.cut();
  rig.service.apply(siteFile(), "x.toml");
  rig.service.apply(renamed("Front", "Main").replace('"Back"', '"Yard"'), "x.toml");
  rig.clock.advance(headGatherMs);
  t.equal(rig.broker.published.length, 0);
  rig.broker.restore();
  t.ok(rig.broker.published.every(({ retain, qos }) => retain && qos === 1));
  t.equal(rig.broker.published.length, 2);
  t.match(new TableTaker(rig, one).follow().frame.doors, [{ name: "Main" }]);
  // What was lost was said once for both controllers.
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(rig.log.text.split("could not be published").length - 1, 2, rig.log.text);
});

t.test("a table is updating until its controller says otherwise, under its own key", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const table = markOf(rig, one);
  t.equal(syncOf(rig)?.state, "updating");
  const stranger = sealTableAck(pairing(99).scope, { outcome: "complete", table });
  rig.broker.deliver(rig.topics.tableAck, stranger);
  t.equal(syncOf(rig)?.state, "updating", "a forged word");
  tell(rig, { outcome: "complete", table: { ...table, epoch: epoch - 5 } });
  t.equal(syncOf(rig)?.state, "updating", "an old word");
  const wanted = { epoch, version: 1 };
  for (const other of [
    { epoch: epoch - 5, version: 1 },
    { epoch, version: 2 },
  ]) {
    tell(rig, { outcome: "progress", wanted: other, percent: 99 });
    t.equal(syncOf(rig)?.percent, undefined, "a word about another table");
  }
  tell(rig, { outcome: "progress", wanted, percent: 40 });
  t.match(syncOf(rig), { state: "updating", percent: 40 });
  tell(rig, { outcome: "refused", reason: "altered", detail: "no match" });
  t.match(syncOf(rig), { state: "failed", reason: "altered", percent: undefined });
  tell(rig, { outcome: "progress", wanted, percent: 80 });
  t.match(syncOf(rig), { state: "updating", percent: 80, reason: undefined });
  tell(rig, { outcome: "complete", table });
  t.match(syncOf(rig), { state: "complete", inForce: { epoch, version: 1 }, percent: undefined });
  tell(rig, { outcome: "progress", wanted, percent: 90 });
  t.equal(syncOf(rig)?.state, "complete", "a late word");
  tell(rig, { outcome: "refused", table, reason: "older", detail: "a replay" });
  t.equal(syncOf(rig)?.state, "complete", "it refused something else and has what it should");
  rig.service.apply(renamed("Front", "Main"), "x.toml");
  t.match(syncOf(rig), { state: "updating", inForce: { version: 1 } });
  t.equal(rig.service.controllers()[0]?.refusedCount, 1);
});

t.test("a head that was overwritten at the broker is said again, at its own pace", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const table = markOf(rig, one);
  rig.clock.advance(headGatherMs);
  const heads = () =>
    rig.broker.published
      .filter(({ topic, retain }) => topic === rig.topics.tableHead && retain)
      .map(({ payload }) => payload);
  const before = heads().length;
  const refuse = () => {
    tell(rig, { outcome: "refused", table, reason: "altered", detail: "" });
    return heads().length - before;
  };
  t.equal(refuse(), 1);
  t.same(heads().at(-1), heads()[0]);
  t.equal(rig.broker.published.at(-1)?.retain, true);
  rig.clock.advance(repairIntervalMs - 1);
  t.equal(refuse(), 1, "too soon after the last");
  rig.clock.advance(1);
  rig.now = epochMs(rig.now - 3_600_000);
  t.equal(refuse(), 2, "a clock set back holds nothing up");
  rig.clock.advance(repairIntervalMs);
  tell(rig, { outcome: "complete", table });
  t.equal(heads().length - before, 2, "what is in force needs no repair");
});

t.test("a file applied again says its heads again, under their numbers", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  rig.clock.advance(headGatherMs);
  rig.service.apply(siteFile(), "x.toml");
  const [first, again, ...more] = rig.broker.payloadsOn(rig.topics.tableHead);
  t.same(again, first);
  t.same(more, []);
});

t.test("a site restored from an old copy overtakes what its controllers hold", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const held = { epoch: epoch + 10, version: 3, tag: 7 };
  tell(rig, { outcome: "refused", reason: "older", detail: "", table: held });
  const taker = new TableTaker(rig, one);
  t.match(taker.head(), { mark: { epoch: epoch + 11, version: 1 }, deltasFrom: 2 });
  t.match(taker.follow().frame.doors, [{ id: "front" }]);
  t.equal(syncOf(rig)?.state, "updating");
  rig.service.apply(renamed("Front", "Main"), "x.toml");
  t.match(taker.follow().mark, { epoch: epoch + 11, version: 2 }, "and counts on from there");
  rig.service.close();
  const restarted = await startSite(t, { folder: rig.folder });
  t.match(markOf(restarted, one), { epoch: epoch + 11, version: 2 });
});

t.test("a restored site that gave a number out twice begins a new epoch, once", async (t) => {
  const acks = [
    { outcome: "refused", reason: "number_taken", detail: "" },
    { outcome: "complete" },
  ] as const;
  for (const ack of acks) {
    for (const version of ack.outcome === "refused" ? [1, 2] : [2]) {
      const rig = await startSite(t);
      rig.service.apply(siteFile(), "x.toml");
      rig.service.apply(renamed("Front", "Main"), "x.toml");
      const tag = (markOf(rig, one).tag + 1) % 2 ** 32;
      for (let count = 0; count < 3; count += 1)
        tell(rig, { ...ack, table: { epoch, version, tag } });
      t.match(markOf(rig, one), { epoch: epoch + 1, version: 1 }, "however often told");
      t.match(markOf(rig, two), { epoch, version: 1 });
    }
  }
});

t.test("a controller that claims the last number there is stops nobody else", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const table = { epoch: 2 ** 48, version: 2 ** 48, tag: 0 };
  for (let count = 0; count < 3; count += 1) tell(rig, { outcome: "complete", table });
  t.match(rig.service.apply(renamed("Back", "Yard"), "x.toml"), { ok: true });
  t.match(markOf(rig, two), { version: 2 });
  t.match(markOf(rig, one), { epoch }, "no number is beyond it");
});

t.test("damaged tables get a new epoch, beyond all numbers before", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  rig.service.close();
  writeFileSync(join(rig.folder, "site", "tables.sqlite3"), "not a database at all".repeat(99));
  const restarted = await startSite(t, { folder: rig.folder, now: rig.now + 5_000 });
  t.match(markOf(restarted, one), { epoch: epoch + 5, version: 1 });
  t.match(restarted.log.text, /damaged/);
});

t.test("tables stay in force while nobody says what the site is to be", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const table = new TableTaker(rig, one).follow();
  rig.service.apply(renamed("Front", "Main"), "x.toml");
  rig.service.close();
  rmSync(textFile(rig.folder));
  const restarted = await startSite(t, { folder: rig.folder });
  const taker = new TableTaker(restarted, one);
  t.match(taker.head().mark, { version: 2 });
  t.equal(taker.ask({ want: "deltas", after: table.mark }).length, 1, "by what is stored of them");
  t.equal(taker.manifest(), undefined, "whole ones can be made of nothing");
});
