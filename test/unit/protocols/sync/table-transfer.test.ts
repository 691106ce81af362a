import t from "tap";
import { monotonicMs } from "../../../../src/domain/time.ts";
import { stepTransfer, transferDeadline } from "../../../../src/protocols/sync/table-transfer.ts";
import { forget, kinds, manifestOf, settled, wants } from "./settled-transfer.ts";
import { fair, TransferWorld } from "./transfer-world.ts";

t.test("a controller without a table asks for a snapshot and reports how far it is", async (t) => {
  const world = new TransferWorld(5);
  world.weather = { lost: 0, doubled: 0, delayMsMax: 300, diskMsMax: 300 };
  world.up();
  world.advance(60_000);
  t.ok(world.isThere());
  t.same(wants(world).slice(0, 2), ["head", "snapshot"]);
  const percents = world.acks.flatMap((ack) => (ack.outcome === "progress" ? [ack.percent] : []));
  t.equal(percents[0], 0);
  t.same(
    percents,
    [...new Set(percents)].sort((a, b) => a - b),
    "it never goes back",
  );
  t.same(world.acks.at(-1), { outcome: "complete", table: world.site.mark });
  t.equal(transferDeadline(world.state), undefined, "nothing is timed once all is there");
});

t.test("a controller that knows no table believes no head but an answer to it", async (t) => {
  const world = new TransferWorld(5);
  const old = [world.site.head(), manifestOf(world)];
  for (let count = 0; count < 50; count += 1) world.site.change();
  world.weather = { ...fair, lost: 1 };
  world.up();
  for (let times = 0; times < 100; times += 1) {
    for (const word of old) world.replay(word);
    world.advance(60_000);
  }
  t.same([...new Set(wants(world))], ["head"], "whatever is replayed makes it ask, at most");
  t.equal(kinds(world).includes("begin_snapshot"), false);
  world.weather = fair;
  world.advance(10 * 60_000);
  t.ok(world.isThere());
});

t.test("what an answer named is the floor of a controller without a table", async (t) => {
  const world = new TransferWorld(5);
  const old = [world.site.head(), manifestOf(world)];
  world.site.changeAtOnce();
  world.weather = { ...fair, lost: 1 };
  world.up();
  world.feed({ ...world.site.head(), isAnswer: true });
  t.same(wants(world), ["head", "snapshot"]);
  for (const word of old) world.replay(word);
  t.match(world.effects.at(-1), { kind: "refuse", refusal: { reason: "older" } });
  t.equal(kinds(world).includes("begin_snapshot"), false);
});

t.test("a week without a broker costs nothing, and ends where the site is", async (t) => {
  const world = settled();
  world.down();
  forget(world);
  t.equal(transferDeadline(world.state), undefined);
  for (let day = 0; day < 7; day += 1) {
    for (let count = 0; count < 100; count += 1) world.site.change();
    world.advance(24 * 3_600_000);
  }
  t.same(kinds(world), []);
  world.up();
  world.advance(60_000);
  t.ok(world.isThere());
});

t.test("a broker that lost the head is asked past it", async (t) => {
  const world = settled();
  world.down();
  world.site.change();
  world.advance(0);
  world.isUp = true;
  world.feed({ kind: "link_up" });
  world.advance(4_999);
  t.same(world.gets, []);
  world.advance(1);
  t.same(wants(world).slice(0, 2), ["head", "deltas"]);
  world.advance(0);
  t.ok(world.isThere());
});

t.test("nobody answers: it asks again, less and less often, and no more than that", async (t) => {
  const world = settled();
  world.weather = { ...fair, lost: 1 };
  world.site.change();
  world.replay(world.site.head());
  world.advance(24 * 3_600_000);
  t.ok(world.gets.length > 200, `${world.gets.length} requests in a day`);
  t.ok(world.gets.length < 500, `${world.gets.length} requests in a day`);
});

t.test("who doubts the site asks for its head, once a minute at most", async (t) => {
  const world = settled();
  for (let count = 0; count < 1_000; count += 1) world.feed({ kind: "site_in_doubt" });
  t.same(wants(world), ["head"]);
  world.advance(60_000);
  world.feed({ kind: "site_in_doubt" });
  t.same(wants(world), ["head", "head"]);
});

t.test("the same step gives the same, and leaves what it was given", async (t) => {
  const world = settled();
  const { state } = world;
  const before = structuredClone(state);
  const input = world.site.head();
  const one = stepTransfer(state, input, monotonicMs(9));
  const other = stepTransfer(state, input, monotonicMs(9));
  t.same(one, other);
  t.same(state, before);
});
