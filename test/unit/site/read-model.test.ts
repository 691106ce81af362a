import { join } from "node:path";
import t, { type Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { succeed } from "../../../src/domain/result.ts";
import { openIssuer } from "../../../src/site/open-issuer.ts";
import { openSiteStore } from "../../../src/site/store/open-site-store.ts";
import { RecordingEngine } from "./recording-engine.ts";
import { LogText, temporaryFolder } from "./site-rig.ts";
import { author, userRow } from "./store/store-rig.ts";

async function openRig(t: Test) {
  const clock = new SimClock();
  const file = join(temporaryFolder(t), "store.sqlite3");
  const store = await openSiteStore({ database: { kind: "sqlite", file }, clock });
  t.teardown(() => store.close());
  const engine = new RecordingEngine();
  return {
    store,
    engine,
    issuer: openIssuer({ store, engine: engine.engine, clock, log: new LogText() }),
  };
}

t.test("of a store in which nothing was ever changed, the doors are told nothing", async (t) => {
  const { issuer, engine } = await openRig(t);
  t.same(await issuer.begin(), { ok: true, value: [] });
  t.equal(engine.applyCount, 0);
});

t.test("a damaged row is told by its table and its id, and not by what is in it", async (t) => {
  const { store, engine, issuer } = await openRig(t);
  const of = async (traits: string) => {
    await store.change(author, async ({ rows }) => {
      await rows.deleteFrom("users").execute();
      await rows.insertInto("users").values(userRow("ada", { traits })).execute();
      return succeed(undefined);
    });
    return await issuer.begin().catch((error: unknown) => error);
  };
  for (const traits of ["geheim", '["geheim"]', '{"geheim":1}', '["manager"', ""]) {
    const error = await of(traits);
    t.match(error, {
      name: "StoreError",
      kind: "damaged",
      message: /^store: users "ada": damaged: /,
    });
    t.notMatch(String(error), /geheim/);
  }
  t.equal(engine.applyCount, 0, "and nothing is told of the others, who might be locked out");
  t.match(await of('["manager"]'), { ok: true });
});

t.test("a door, a zone or a day that a controller would not take is damaged, too", async (t) => {
  const { store, issuer } = await openRig(t);
  for (const [kind, body] of [
    ["door", '{"controller":"one","readers":[],"id":"x","name":"X","unlockMs":"soon"}'],
    ["door", '{"id":"x"}'],
    ["zone", '{"id":"x","doors":"all"}'],
    ["zone", '{"id":"x","doors":[]},{"id":"y","doors":[]}'],
    ["calendar_day", '{"month":13,"day":1,"dayType":"x"}'],
    ["schedule", "[]"],
    ["area", "null"],
  ] as const) {
    await store.change(author, async ({ rows }) => {
      await rows.deleteFrom("surroundings").execute();
      const row = { kind, id: "x", uuid: "x", origin: "api", position: 0, name: "x" } as const;
      await rows
        .insertInto("surroundings")
        .values({ ...row, body, createdAt: 1 })
        .execute();
      return succeed(undefined);
    });
    const told = await issuer.begin().catch((error: unknown) => error);
    t.match(told, { kind: "damaged", message: `store: surroundings "${kind} x": damaged: ` }, body);
  }
});
