import t from "tap";
import { deltasAheadMax } from "../../../../src/protocols/sync/delta-chain.ts";
import { deltaTo, forget, kinds, settled, wants } from "./settled-transfer.ts";
import { fair } from "./transfer-world.ts";

t.test("a change is on disk, then in force, then reported, and nothing is asked for", async (t) => {
  const world = settled();
  world.site.change();
  world.advance(0);
  t.same(kinds(world), ["store_deltas", "report"]);
  t.same(world.acks, [{ outcome: "complete", table: world.site.mark }]);
  t.same(world.gets, []);
});

t.test("a change that comes again is neither stored nor answered again", async (t) => {
  const world = settled();
  world.site.change();
  world.advance(0);
  const change = world.heard.at(-1);
  forget(world);
  for (let times = 0; times < 100; times += 1) if (change !== undefined) world.replay(change);
  world.advance(0);
  t.same(kinds(world), []);
});

t.test("changes that were missed are asked for in one request, and applied in order", async (t) => {
  const world = settled();
  const { mark } = world.site;
  world.down();
  for (let count = 0; count < 20; count += 1) world.site.change();
  world.advance(0);
  world.up();
  world.advance(0);
  t.ok(world.isThere());
  t.same(world.gets, [{ want: "deltas", after: mark }]);
});

t.test("a change that comes too early waits for the one before it", async (t) => {
  const world = settled();
  world.weather = { ...fair, lost: 1 };
  world.site.change();
  world.weather = fair;
  world.site.change();
  t.same(kinds(world), []);
  world.advance(0);
  t.same(wants(world), ["deltas"]);
  t.ok(world.isThere());
  const stored = world.effects.filter(({ kind }) => kind === "store_deltas");
  t.equal(stored.length, 1, "both in one group");
});

t.test("of what comes too early only so much is kept, the nearest first", async (t) => {
  const world = settled();
  const { version } = world.site.mark;
  for (let count = 400; count > 1; count -= 1) {
    world.feed({ kind: "delta", delta: deltaTo(world, version + count), bytes: 200 });
  }
  const { ahead } = world.state.deltas;
  t.equal(ahead.length, deltasAheadMax);
  t.equal(ahead[0]?.delta.to.version, version + 2);
  world.feed({ kind: "delta", delta: deltaTo(world, version + 500), bytes: 1_000_000 });
  t.equal(world.state.deltas.ahead.length, deltasAheadMax);
});

t.test("a change that comes by itself is taken, though a snapshot is asked for", async (t) => {
  const world = settled();
  const { mark } = world.site;
  world.weather = { ...fair, lost: 1 };
  world.site.change();
  const change = world.heard.at(-1);
  world.replay(world.site.head());
  world.advance(60_000);
  t.equal(wants(world).at(-1), "snapshot");
  world.weather = fair;
  if (change !== undefined) world.replay(change);
  world.advance(0);
  t.ok(world.isThere());
  t.not(world.disk.inForce, mark);
});

t.test(
  "changes that the site cannot send are given up for a snapshot, within seconds",
  async (t) => {
    const world = settled();
    world.down();
    world.site.change();
    world.advance(0);
    world.site.areDeltasSpoilt = true;
    world.up();
    world.advance(10_000);
    t.ok(world.isThere());
    world.site.areDeltasSpoilt = false;
    forget(world);
    world.down();
    world.site.change();
    world.advance(0);
    world.up();
    world.advance(10_000);
    t.same(wants(world), ["deltas"], "with the next table they are worth asking for again");
  },
);

t.test("for a month a snapshot is asked for where changes do not come", async (t) => {
  const world = settled();
  world.weather = { ...fair, lost: 1 };
  world.site.change();
  world.replay(world.site.head());
  world.advance(30 * 24 * 3_600_000);
  const asked = wants(world).filter((want) => want !== "head");
  t.same(asked.slice(0, 3), ["deltas", "deltas", "snapshot"]);
  t.same([...new Set(asked.slice(2))], ["snapshot"], "and nothing less");
});

t.test("a full disk raises one trouble, and puts nothing in force", async (t) => {
  const world = settled();
  const { inForce } = world.disk;
  world.disk.isFull = true;
  world.site.change();
  world.advance(3_600_000);
  t.same(world.disk.inForce, inForce);
  const troubles = world.effects.filter(({ kind }) => kind === "trouble");
  t.same(troubles, [{ kind: "trouble", trouble: "table_not_stored", state: "raised" }]);
  const tries = kinds(world).filter((kind) => kind === "store_deltas").length;
  t.ok(tries > 10 && tries < 30, `${tries} tries in an hour`);
  world.disk.isFull = false;
  world.advance(5 * 60_000);
  t.ok(world.isThere());
  t.match(world.effects.at(-1), { trouble: "table_not_stored", state: "cleared" });
});

t.test(
  "a change that contradicts the table in force is tried once; a snapshot mends it",
  async (t) => {
    const world = settled();
    world.disk.isNextDeltaInvalid = true;
    world.weather = { ...fair, diskMsMax: 1_000 };
    world.site.change();
    const change = world.heard.at(-1);
    world.advance(1_000);
    t.match(world.effects[1], { kind: "refuse", refusal: { reason: "invalid_content" } });
    for (let times = 0; times < 10; times += 1) if (change !== undefined) world.replay(change);
    world.advance(60_000);
    t.ok(world.isThere());
    t.equal(kinds(world).filter((kind) => kind === "store_deltas").length, 1);
  },
);
