import t from "tap";
import { transferDeadline } from "../../../../src/protocols/sync/table-transfer.ts";
import { deltaTo, forget, kinds, settled, wants } from "./settled-transfer.ts";
import { fair, type TransferWorld } from "./transfer-world.ts";

/** The site lost the last change and made others since, of which its controller has heard nothing. */
function onAnotherBranch(): TransferWorld {
  const world = settled();
  const copy = world.site.copy();
  world.site.change();
  world.advance(0);
  world.down();
  world.site.restore(copy);
  for (let count = 0; count < 5; count += 1) world.site.change();
  world.advance(0);
  forget(world);
  return world;
}

t.test(
  "the head of the table in force is answered each time: a site may have lost it",
  async (t) => {
    const world = settled();
    world.replay(world.site.head());
    world.replay(world.site.head());
    t.same(kinds(world), ["site_seen", "answer", "site_seen", "answer"]);
    t.same(world.acks.at(-1), { outcome: "complete", table: world.site.mark });
  },
);

t.test("an older head is refused, once for each time it comes, and changes nothing", async (t) => {
  const world = settled();
  const old = world.site.head();
  world.site.change();
  world.advance(0);
  forget(world);
  world.replay(old);
  t.match(world.effects.at(-1), { kind: "refuse", refusal: { reason: "older" } });
  t.ok(world.isThere());
});

t.test("a site that lost what its head named is believed again after half a minute", async (t) => {
  const world = settled();
  world.site.changeAtOnce();
  const copy = world.site.copy();
  for (let count = 0; count < 5; count += 1) world.site.changeAtOnce();
  const lost = world.site.head();
  world.site.restore(copy);
  world.replay(lost);
  world.advance(60_000);
  t.ok(world.isThere());
});

t.test("a change that leads on from another table of this number is refused", async (t) => {
  const world = settled();
  const delta = deltaTo(world, world.site.mark.version + 1);
  world.feed({ kind: "delta", delta, bytes: 200 });
  t.match(world.effects, [{ kind: "refuse", refusal: { reason: "number_taken" } }]);
});

t.test(
  "another table under the number in force is refused, and the site takes another epoch",
  async (t) => {
    const world = settled();
    world.site.change();
    const copy = world.site.copy();
    world.site.change();
    world.advance(0);
    world.site.restore(copy);
    world.weather = { ...fair, lost: 1 };
    world.site.change();
    world.weather = fair;
    forget(world);
    world.replay(world.site.head());
    t.match(world.effects.at(-1), { kind: "refuse", refusal: { reason: "number_taken" } });
    world.advance(60_000);
    t.equal(world.site.overtakeCount, 1);
    t.equal(world.site.mark.epoch, 2);
    t.ok(world.isThere());
  },
);

t.test("a controller on a branch that its site lost is sent a snapshot at once", async (t) => {
  const world = onAnotherBranch();
  world.up();
  world.advance(1_000);
  t.ok(world.isThere());
  t.same(wants(world).slice(0, 2), ["deltas", "chunks"]);
});

t.test("a site that answers a lost branch with its head is asked for a snapshot", async (t) => {
  const world = onAnotherBranch();
  world.site.answersDeltasWithHead = true;
  world.up();
  world.advance(10_000);
  t.ok(world.isThere());
  t.same(wants(world).slice(0, 3), ["deltas", "deltas", "snapshot"]);
});

t.test(
  "a site that is behind a change that was no good is told so, and takes another epoch",
  async (t) => {
    const world = settled();
    const copy = world.site.copy();
    world.disk.isNextDeltaInvalid = true;
    world.site.change();
    world.advance(0);
    world.site.restore(copy);
    world.replay(world.site.head());
    world.advance(60_000);
    t.equal(world.site.mark.epoch, 2);
    t.ok(world.isThere());
    t.equal(transferDeadline(world.state), undefined, "and nothing is asked for any more");
  },
);
