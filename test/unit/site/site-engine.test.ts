import { join } from "node:path";
import Database from "better-sqlite3";
import t, { type Test } from "tap";
import { controllerId, doorId, passId, ruleId, userId, zoneId } from "../../../src/domain/ids.ts";
import { sealEventBatch } from "../../../src/protocols/sync/event-message.ts";
import { encodeStatus } from "../../../src/protocols/sync/status-message.ts";
import { topicsFor } from "../../../src/protocols/sync/topics.ts";
import { scopeOf } from "../../../src/site/event-intake.ts";
import type { ModelChange } from "../../../src/site/model-change.ts";
import { openSiteEngine } from "../../../src/site/open-site-engine.ts";
import type { SiteModel } from "../../../src/site/site-model.ts";
import { headGatherMs } from "../../../src/site/table-heads.ts";
import { entries } from "../protocols/sync/samples.ts";
import {
  complete,
  type EngineRig,
  type OpenEngine,
  openOverPort,
  startEngine,
  tell,
} from "./engine-rig.ts";
import { modelDifference } from "./model-difference.ts";
import { one, site, siteFile } from "./site-rig.ts";
import { TableTaker } from "./table-taker.ts";
import { accepted } from "./whole-site-file.ts";

const two = controllerId("two");
const bob = passId("bob-card");
const model = accepted(siteFile());
const whole = modelDifference(undefined, model, 1);

const ring = (id: string, parent: string) => ({
  id: zoneId(id),
  parent: zoneId(parent),
  doors: [],
});

const sorted = (items: Iterable<{ readonly id: string }>) =>
  [...items].sort((first, other) => (first.id < other.id ? -1 : 1));

/** What UTF-8 has no form for is a question mark in it. */
const asUtf8 = (text: string): string => Buffer.from(text, "utf8").toString("utf8");

function revised(revision: number, change: (was: SiteModel) => Partial<SiteModel>): ModelChange {
  return modelDifference(model, { ...model, ...change(model) }, revision);
}

const withoutBob = revised(2, ({ passes }) => ({ passes: passes.filter(({ id }) => id !== bob) }));

const withoutBobModel = { ...model, passes: model.passes.filter(({ id }) => id !== bob) };

/** Nothing is left at controller `one`. */
const atBack: SiteModel = {
  ...withoutBobModel,
  doors: model.doors.map((door) => ({ ...door, controller: two })),
};

/** Bob, who had no rule and was everywhere, gets one for the front door. */
const atFront = revised(2, ({ rules }) => ({
  rules: rules.flatMap((rule) => [
    rule,
    { ...rule, id: ruleId("front"), users: [userId("bob")], doors: [doorId("front")] },
  ]),
}));

const renamed = (name: string, revision = 2) =>
  revised(revision, ({ doors }) => ({ doors: doors.map((door) => ({ ...door, name })) }));

const syncOf = async (rig: EngineRig, pass: string, revision: number) => {
  const [sync] = await rig.engine.syncOf([{ pass: passId(pass), revision }]);
  return [sync?.state, sync?.waitingFor];
};

function suite(t: Test, open: OpenEngine): void {
  const start = (test: Test, folder?: string) => startEngine(test, open, folder);

  t.test("the first change says all that there is, and each after it what is new", async (t) => {
    const rig = await start(t);
    t.match(await rig.engine.apply(whole), { ok: true, value: [{ controller: "one" }, {}] });
    const taker = new TableTaker(rig, one);
    taker.follow();
    const published = rig.broker.published.length;
    t.match(await rig.engine.apply(withoutBob), { value: [{ changed: true }, { changed: true }] });
    t.equal(rig.broker.published.length, published + 2, "a delta to each");
    t.match(taker.deltas().at(-1)?.changes, [{ kind: "pass_gone", pass: bob }]);
    t.equal(taker.follow().credentialCount, 2);
  });

  t.test("a change that a controller would refuse leaves everything as it was", async (t) => {
    const rig = await start(t);
    await rig.engine.apply(whole);
    const taker = new TableTaker(rig, one);
    const { mark } = taker.follow();
    const published = rig.broker.published.length;
    const { passes, users } = withoutBob;
    const refused: readonly ModelChange[] = [
      revised(2, ({ doors }) => ({ doors: doors.map((door) => ({ ...door, unlockMs: -1 })) })),
      revised(2, ({ zones }) => ({ zones: [...zones, ring("a", "b"), ring("b", "a")] })),
    ];
    for (const change of refused) {
      const answer = await rig.engine.apply({ ...change, passes, users });
      t.match(answer, { ok: false, fault: { controller: String, detail: /.+/ } });
    }
    t.equal(rig.broker.published.length, published);
    rig.clock.advance(headGatherMs);
    t.same(taker.head().mark, mark);
    const front = doorId("front");
    t.match(await rig.engine.explain({ door: front, pass: bob }), { ok: true });
    await rig.engine.apply(renamed("Main"));
    t.match(taker.follow().frame.doors, [{ name: "Main" }]);
    t.ok(taker.pass(bob), "of what was refused with it, nothing was kept");
  });

  t.test("no letter in a name keeps a table from its controller", async (t) => {
    const rig = await start(t);
    await rig.engine.apply(whole);
    const taker = new TableTaker(rig, one);
    taker.follow();
    let before = model;
    for (const name of ["\ud800", "a\u0000b", "\u202e\ufeff", "\udfff\ud83d", "😀".repeat(20)]) {
      const after = { ...model, doors: model.doors.map((door) => ({ ...door, name })) };
      t.match(await rig.engine.apply(modelDifference(before, after, 2)), { ok: true });
      before = after;
      const readable = asUtf8(name);
      t.match(taker.follow().frame.doors, [{ name: readable }]);
      taker.table = undefined;
      t.match(asUtf8(taker.follow().frame.doors[0]?.name ?? ""), readable, "and whole");
    }
  });

  t.test("a change that the disk does not take leaves everything as it was", async (t) => {
    for (const [file, table] of [
      ["tables.sqlite3", "deltas"],
      ["events.sqlite3", "useLimits"],
    ] as const) {
      const rig = await start(t);
      await rig.engine.apply(whole);
      const disk = new Database(join(rig.folder, "site", file));
      t.teardown(() => disk.close());
      disk.exec(`CREATE TRIGGER full BEFORE INSERT ON ${table}
      BEGIN SELECT RAISE(ABORT, 'disk full'); END`);
      const limited = revised(2, ({ passes }) => ({
        passes: passes.map((pass) => ({ ...pass, usesMax: 2 })),
      }));
      await t.rejects(rig.engine.apply(limited), /disk full/);
      disk.exec("DROP TRIGGER full");
      await rig.engine.apply(renamed("Main"));
      const taker = new TableTaker(rig, one);
      t.match(taker.follow().frame.doors, [{ name: "Main" }]);
      t.equal(taker.pass(bob)?.usesMax, undefined, "and nothing of it comes with the next");
    }
  });

  t.test("a first state that a controller would refuse is mended by the next change", async (t) => {
    const rig = await start(t);
    const broken = modelDifference(
      undefined,
      { ...model, doors: model.doors.map((door) => ({ ...door, unlockMs: -1 })) },
      1,
    );
    t.match(await rig.engine.apply(broken), { ok: false });
    t.match(
      await rig.engine.apply(withoutBob),
      { ok: false },
      "which must be the one that mends it",
    );
    t.same(rig.broker.published, []);
    t.match(await rig.engine.apply(renamed("Main")), { ok: true });
    const taker = new TableTaker(rig, one);
    t.same(new Set(taker.follow().frame.doors.map(({ name }) => name)), new Set(["Main"]));
    t.ok(taker.pass(bob), "with everybody of the first");
  });

  t.test("a pass is synced once every controller that has it has said so", async (t) => {
    const rig = await start(t);
    await rig.engine.apply(whole);
    t.same(await syncOf(rig, bob, 1), ["updating", ["one", "two"]]);
    complete(rig, one);
    t.same(await syncOf(rig, bob, 1), ["updating", ["two"]]);
    complete(rig, two);
    t.same(await syncOf(rig, bob, 1), ["synced", []]);
    const { mark: old } = new TableTaker(rig, one).head();
    const barred = revised(2, ({ passes }) => ({
      passes: passes.map((pass) => (pass.id === bob ? { ...pass, active: false } : pass)),
    }));
    await rig.engine.apply(barred);
    t.same(await syncOf(rig, bob, 2), ["updating", ["one", "two"]]);
    t.same(await syncOf(rig, "ada-card", 1), ["synced", []], "nothing is new of Ada");
    tell(rig, one, { outcome: "complete", table: old });
    t.same(await syncOf(rig, bob, 2), ["updating", ["one", "two"]], "a late word");
    complete(rig, one);
    tell(rig, two, { outcome: "refused", reason: "altered", detail: "no match" });
    t.same(await syncOf(rig, bob, 2), ["failed", ["two"]]);
    complete(rig, two);
    t.same(await syncOf(rig, bob, 2), ["synced", []]);
  });

  t.test("a pass that left a controller is not synced before that has said so", async (t) => {
    const rig = await start(t);
    await rig.engine.apply(whole);
    for (const controller of [one, two]) complete(rig, controller);
    const { mark: old } = new TableTaker(rig, two).head();
    await rig.engine.apply(atFront);
    t.same(await syncOf(rig, bob, 2), ["updating", ["one", "two"]]);
    t.same(await syncOf(rig, "ada-card", 1), ["synced", []], "nobody else waits for it");
    complete(rig, one);
    t.same(await syncOf(rig, bob, 2), ["updating", ["two"]], "where it opens doors still");
    tell(rig, two, { outcome: "complete", table: old });
    t.same(await syncOf(rig, bob, 2), ["updating", ["two"]], "a late word");
    await rig.engine.apply({ ...atFront, revision: 3, rules: [], members: [] });
    await rig.engine.update([two], "whole");
    t.same(await syncOf(rig, bob, 3), ["updating", ["two"]], "whatever comes after it");
    tell(rig, two, { outcome: "refused", reason: "altered", detail: "no match" });
    t.same(await syncOf(rig, bob, 3), ["failed", ["two"]]);
    complete(rig, two);
    t.same(await syncOf(rig, bob, 3), ["synced", []]);
  });

  t.test("a pass that is taken away altogether is gone once all have said so", async (t) => {
    const rig = await start(t);
    await rig.engine.apply(whole);
    for (const controller of [one, two]) complete(rig, controller);
    await rig.engine.apply(withoutBob);
    complete(rig, two);
    t.same(await syncOf(rig, bob, 2), ["updating", ["one"]]);
    await rig.engine.apply(modelDifference(withoutBobModel, atBack, 3));
    t.same(await syncOf(rig, bob, 2), ["synced", []], "one that has no door any more is not asked");
  });

  t.test("what was said of the last table but one counts for what was in it", async (t) => {
    const rig = await start(t);
    await rig.engine.apply(whole);
    const { mark } = new TableTaker(rig, one).head();
    await rig.engine.apply(renamed("Main", 2));
    complete(rig, two);
    tell(rig, one, { outcome: "complete", table: { ...mark, tag: mark.tag ^ 1 } });
    t.same(await syncOf(rig, bob, 1), ["updating", ["one"]], "another table of the same number");
    tell(rig, one, { outcome: "complete", table: mark });
    t.same(await syncOf(rig, bob, 1), ["synced", []]);
    t.same(await syncOf(rig, bob, 2), ["updating", ["one"]]);
  });

  t.test("after a restart nothing is synced before its controller has its table", async (t) => {
    const rig = await start(t);
    await rig.engine.apply(whole);
    for (const controller of [one, two]) complete(rig, controller);
    await rig.engine.close();
    const again = await start(t, rig.folder);
    await again.engine.apply(whole);
    t.same(await syncOf(again, bob, 1), ["updating", ["one", "two"]]);
    for (const controller of [one, two]) complete(again, controller);
    t.same(await syncOf(again, bob, 1), ["synced", []]);
  });

  t.test("of what a start finds to be new, no older word counts", async (t) => {
    const rig = await start(t);
    await rig.engine.apply(whole);
    const { mark } = new TableTaker(rig, one).head();
    await rig.engine.close();
    const again = await start(t, rig.folder);
    const { doors } = model;
    const other = { ...model, doors: doors.map((door) => ({ ...door, name: "Main" })) };
    await again.engine.apply(modelDifference(undefined, other, 5));
    tell(again, one, { outcome: "complete", table: mark });
    t.same(await syncOf(again, bob, 3), ["updating", ["one", "two"]]);
    complete(again, one);
    t.same(await syncOf(again, bob, 3), ["updating", ["two"]]);
  });

  t.test(
    "a whole update brings the same table again, as one that deltas do not lead to",
    async (t) => {
      const rig = await start(t);
      await rig.engine.apply(whole);
      for (const controller of [one, two]) complete(rig, controller);
      const taker = new TableTaker(rig, one);
      const before = taker.follow();
      const people = sorted(before.passRecords());
      await rig.engine.update([one, controllerId("nobody")], "whole");
      const retained = rig.broker.published
        .filter(({ retain }) => retain)
        .map(({ topic }) => topic);
      t.same(retained, [taker.topics.tableHead], "told at once, and to nobody else");
      t.match(taker.head(), { mark: { version: 2 }, deltasFrom: 3 });
      const manifests = rig.broker.payloadsOn(taker.topics.tableManifest).length;
      const after = taker.follow();
      t.ok(rig.broker.payloadsOn(taker.topics.tableManifest).length > manifests);
      t.not(after, before);
      t.same(sorted(after.passRecords()), people);
      const [report] = await rig.engine.controllers();
      t.match(report?.sync, { state: "updating", wanted: { version: 2 }, inForce: { version: 1 } });
      t.same(await syncOf(rig, bob, 1), ["synced", []], "the doors decide as they did");
      await rig.engine.apply(withoutBob);
      t.equal(taker.follow().mark.version, 3, "and changes go on from there");
      t.equal(taker.pass(bob), undefined);
    },
  );

  t.test("a head is said again on demand", async (t) => {
    const rig = await start(t);
    await rig.engine.apply(whole);
    rig.clock.advance(headGatherMs);
    const { tableHead } = topicsFor(site, two);
    const [said] = rig.broker.payloadsOn(tableHead);
    await rig.engine.update([two], "head");
    t.same(rig.broker.payloadsOn(tableHead), [said, said]);
  });

  t.test("what is stored is told once, and what is heard of controllers too", async (t) => {
    const rig = await start(t);
    await rig.engine.apply(whole);
    const scope = scopeOf(rig.service, one);
    const { event, status } = topicsFor(site, one);
    const chain = entries({ count: 5 });
    rig.broker.deliver(event, sealEventBatch(scope, chain.slice(0, 3)));
    rig.broker.deliver(event, sealEventBatch(scope, chain.slice(1, 5)));
    rig.broker.deliver(event, sealEventBatch(scope, chain));
    await rig.engine.controllers();
    t.same(rig.ears.heard, [1, 2, 3, 4, 5]);
    rig.ears.changed.length = 0;
    const said = { online: true, software: "x", clock: "trusted", troubles: [] } as const;
    for (let time = 0; time < 3; time += 1) rig.broker.deliver(status, encodeStatus(said));
    await rig.engine.controllers();
    t.same(rig.ears.changed, [one], "that it is there");
    complete(rig, one);
    await rig.engine.controllers();
    t.same(rig.ears.changed, [one, one], "that it has its table");
    rig.broker.deliver(status, encodeStatus({ online: false }));
    await rig.engine.controllers();
    t.same(rig.ears.changed, [one, one, one]);
  });
}

t.test("in this thread", async (t) => suite(t, openSiteEngine));
t.test("in another thread", async (t) => suite(t, openOverPort));
