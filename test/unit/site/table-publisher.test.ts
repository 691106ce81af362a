import { join } from "node:path";
import t, { type Test } from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import type { PassRecord } from "../../../src/domain/access.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import {
  type ControllerId,
  controllerId,
  doorId,
  type PassId,
  passId,
  userId,
} from "../../../src/domain/ids.ts";
import { deltaBytesMax, openTableDelta } from "../../../src/protocols/sync/table-delta.ts";
import { openTableGet } from "../../../src/protocols/sync/table-get.ts";
import { controllerOfTopic, filtersForSite } from "../../../src/protocols/sync/topics.ts";
import { scopeOf } from "../../../src/site/event-intake.ts";
import { openSiteKeys } from "../../../src/site/site-keys.ts";
import type { SiteModel, SitePass } from "../../../src/site/site-model.ts";
import type { SpentUses } from "../../../src/site/spent-uses.ts";
import { openStateFolder } from "../../../src/site/state-folder.ts";
import { TablePublisher, usesGatherMs } from "../../../src/site/table-publisher.ts";
import { openTableShelf } from "../../../src/site/table-shelf.ts";
import { drawSite, everyController } from "./drawn-site.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { modelDifference } from "./model-difference.ts";
import { naivePeople } from "./naive-table.ts";
import { LogText, site, temporaryFolder } from "./site-rig.ts";
import { TableTaker } from "./table-taker.ts";

/** A publisher and its broker, which can be restarted on the same disk. */
class Stage {
  readonly clock = new SimClock({ wallAt: 1_800_000_000_000 });
  readonly broker = new MemoryBroker();
  readonly log = new LogText();
  readonly uses = new Map<PassId, ReturnType<SpentUses>>();
  readonly keys: ReturnType<typeof openSiteKeys>;
  readonly service;
  readonly #folder: string;
  /** By the publisher since its start. */
  #told: SiteModel | undefined;
  publisher: TablePublisher;
  #close: () => void;

  constructor(folder: string) {
    this.#folder = folder;
    this.keys = openSiteKeys(openStateFolder(folder), site);
    this.service = this.keys;
    void this.broker.subscribe(filtersForSite(site).tableGet, (topic, payload) => {
      const controller = controllerOfTopic(site, topic);
      if (controller === undefined) return;
      const get = openTableGet(scopeOf(this.keys, controller), payload);
      if (get.ok) this.publisher.asked(controller, get.value);
    });
    [this.publisher, this.#close] = this.#open();
  }

  apply(model: SiteModel): void {
    const prepared = this.publisher.prepare(modelDifference(this.#told, model, 1));
    if (!prepared.ok) throw new Error(prepared.fault.detail);
    this.publisher.commit(prepared.value);
    this.#told = model;
  }

  restart(): void {
    this.close();
    this.#told = undefined;
    [this.publisher, this.#close] = this.#open();
  }

  close(): void {
    this.publisher.close();
    this.#close();
  }

  #open(): [TablePublisher, () => void] {
    const { clock, broker, log, keys, uses } = this;
    const file = join(this.#folder, "tables.sqlite3");
    const shelf = openTableShelf({ file, signer: keys.publicKeyPem, log });
    const spent: SpentUses = (pass) => uses.get(pass) ?? [];
    const publisher = new TablePublisher({
      ...{ keys, link: broker, clock, log, shelf, spent },
      isOnline: () => true,
    });
    return [publisher, () => shelf.close()];
  }
}

function openStage(t: Test): Stage {
  const stage = new Stage(temporaryFolder(t));
  t.teardown(() => stage.close());
  return stage;
}

const sorted = (items: Iterable<{ readonly id: string }>) =>
  [...items].sort((one, other) => (one.id < other.id ? -1 : 1));

/** An image spells out that nothing is spent, a delta does not. */
const spelledOut = (pass: PassRecord): PassRecord =>
  pass.usesMax === undefined ? pass : { spentHere: 0, spentElsewhere: 0, ...pass };

const seed = seedFor(process.env["SEED"]);
const runs = process.env["SEED"] === undefined ? 6 : 1;

t.test("a change that a controller would refuse makes no key for one", async (t) => {
  const stage = openStage(t);
  const random = new Seeded(7);
  const model = drawSite(random);
  stage.apply(model);
  const known = stage.keys.controllers();
  const [door] = model.doors;
  if (door === undefined) throw new Error("no door");
  const bad = { ...door, id: doorId("bad"), controller: controllerId("mistyped"), unlockMs: 0 };
  const change = modelDifference(model, { ...model, doors: [...model.doors, bad] }, 2);
  t.match(stage.publisher.prepare(change), { ok: false, fault: { controller: "mistyped" } });
  t.same(stage.keys.controllers(), known);
});

t.test(`whoever follows the site has what it says, whatever he missed [${seed}]`, async (t) => {
  for (let run = 0; run < runs; run += 1) {
    const random = new Seeded(seed + run);
    const stage = openStage(t);
    const takers = everyController.map((controller) => ({
      controller,
      taker: new TableTaker(stage, controller),
    }));
    let model = drawSite(random);
    stage.apply(model);
    for (let move = 0; move < 20; move += 1) {
      const isRevised = random.chance(0.7);
      if (isRevised) model = drawSite(random, model);
      for (const { id } of model.passes.filter(() => random.chance(0.2))) {
        const controller = random.pick(["one", "two"].map(controllerId) as [ControllerId]);
        const others = (stage.uses.get(id) ?? []).filter((use) => use.controller !== controller);
        stage.uses.set(id, [...others, { controller, spent: move + 1 }]);
        stage.publisher.noteUses([id]);
      }
      if (random.chance(0.1)) {
        stage.restart();
        stage.apply(model);
      } else if (isRevised) stage.apply(model);
      if (random.chance(0.05)) {
        stage.keys.rotate();
        stage.publisher.signAnew();
      }
      stage.clock.advance(usesGatherMs);
      const marks = new Map(
        stage.publisher.states().map(({ controller, wanted }) => [controller, wanted]),
      );
      for (const { controller, taker } of takers) {
        if (!marks.has(controller) || random.chance(0.5)) continue;
        const truth = naivePeople(model, {
          controller,
          spent: (pass) => stage.uses.get(pass) ?? [],
        });
        const name = `SEED=${seed + run}, move ${move}, ${controller}`;
        const table = taker.follow();
        t.same(table.mark, marks.get(controller), name);
        const users = [...table.users()].map((user) => ({ ...user, rules: user.rules.toSorted() }));
        if (!t.same(sorted(users), sorted(truth.users.values()), name)) return;
        if (
          !t.same(
            sorted([...table.passRecords()].map(spelledOut)),
            sorted([...truth.passes.values()].map(spelledOut)),
            name,
          )
        )
          return;
      }
    }
    t.notMatch(stage.log.text, /new epoch|could not/);
  }
});

const common = { user: userId("user-0"), active: true, traits: [], kind: "csn_card" } as const;

/** With names as long as can be, that few of them are too many. */
const nameOf = (number: number): PassId => passId(`${"pass-".padEnd(55, "x")}-${number}`);

const card = (number: number): SitePass => ({
  ...common,
  id: nameOf(number),
  card: { format: "plain", fields: {} },
  raw: rawFromBits(number.toString(2).padStart(26, "0")),
});

function crowded(passes: readonly SitePass[]): SiteModel {
  const drawn = drawSite(new Seeded(1));
  const doors = drawn.doors.slice(0, 1);
  const users = [{ id: userId("user-0"), name: "Ada", suspended: false, traits: [] }];
  return { ...drawn, doors, users, rules: [], zones: [], passes };
}

const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => card(first + at));

t.test("of a change too large for one delta, what is revoked goes ahead", async (t) => {
  const stage = openStage(t);
  stage.apply(crowded(numbers(1, 10)));
  const [first] = stage.publisher.states();
  if (first === undefined) throw new Error("no controllers");
  const taker = new TableTaker(stage, first.controller);
  const table = taker.follow();
  stage.apply(crowded(numbers(5, 3_000)));
  const [taken, ...given] = taker.deltas();
  t.match(taken, { from: table.mark, to: { version: 2 } });
  t.same(
    taken?.changes,
    [1, 2, 3, 4].map((number) => ({ kind: "pass_gone", pass: nameOf(number) })),
  );
  t.ok(given.length > 1);
  t.ok(given.every(({ changes }) => changes.every(({ kind }) => kind === "pass")));
  t.ok(stage.broker.published.every(({ payload }) => payload.length <= deltaBytesMax));
  t.match(taker.head(), { mark: given.at(-1)?.to, deltasFrom: 2 });
  t.ok(taken && table.apply(taken).ok, "it may be applied by itself");
  t.equal(table.credentialCount, 6);
  t.equal(taker.follow().credentialCount, 2_996, "and those behind it lead on from there");
  const manifests = stage.broker.payloadsOn(taker.topics.tableManifest);
  t.equal(manifests.length, 1, "with no other snapshot than the first");
});

t.test("of a change too large for deltas, a snapshot brings what is given", async (t) => {
  const stage = openStage(t);
  stage.apply(crowded(numbers(1, 10)));
  const [first] = stage.publisher.states();
  if (first === undefined) throw new Error("no controllers");
  const taker = new TableTaker(stage, first.controller);
  const table = taker.follow();
  stage.broker.cut();
  stage.apply(crowded(numbers(5, 60_000)));
  stage.broker.restore();
  t.match(taker.head(), { mark: { version: 3 }, deltasFrom: 2 });
  const asked = (after = table.mark) => taker.ask({ want: "deltas", after });
  const [delta, ...more] = asked();
  t.same(more, []);
  const opened = delta && openTableDelta(taker.opener, delta.payload);
  t.match(opened, { ok: true, value: { to: { version: 2 } } });
  t.ok(opened?.ok && table.apply(opened.value).ok, "whoever missed it has it all the same");
  t.equal(table.credentialCount, 6);
  t.match(
    asked().map(({ topic }) => topic),
    [taker.topics.tableManifest],
    "and then the rest",
  );
});
