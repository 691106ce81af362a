import t from "tap";
import type { TableDelta } from "../../../../src/domain/table-change.ts";
import { epochMs, monotonicMs } from "../../../../src/domain/time.ts";
import { deltasAheadMax } from "../../../../src/protocols/sync/delta-chain.ts";
import { stepTransfer, transferDeadline } from "../../../../src/protocols/sync/table-transfer.ts";
import type { TransferEffect } from "../../../../src/protocols/sync/transfer-state.ts";
import type { SiteWord } from "./paper-table-site.ts";
import { fair, type TransferWeather, TransferWorld } from "./transfer-world.ts";

/** A controller that has the site's table, on a good line. */
function settled(): TransferWorld {
  const world = new TransferWorld(1);
  world.up();
  world.advance(60_000);
  if (!world.isThere()) throw new Error("it did not come to the site's table");
  forget(world);
  return world;
}

function forget(world: TransferWorld): void {
  world.gets.length = 0;
  world.acks.length = 0;
  world.effects.length = 0;
}

const slowDisk: TransferWeather = { lost: 0, doubled: 0, delayMsMax: 0, diskMsMax: 5_000 };

/** What the site would answer to a request for a snapshot. */
function manifestOf(world: TransferWorld): SiteWord {
  world.site.answer({ want: "snapshot" });
  const manifest = world.heard.at(-1);
  if (manifest?.kind !== "manifest") throw new Error("no manifest");
  return manifest;
}

const kinds = (world: TransferWorld): readonly TransferEffect["kind"][] =>
  world.effects.map(({ kind }) => kind);

const wants = (world: TransferWorld): readonly string[] => world.gets.map(({ want }) => want);

/** Far ahead of what the controller has. */
function deltaTo(world: TransferWorld, version: number): TableDelta {
  const { epoch } = world.site.mark;
  return {
    from: { epoch, version: version - 1, tag: version - 1 },
    to: { epoch, version, tag: version },
    compiledAt: epochMs(0),
    changes: [],
  };
}

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

t.test("a change that leads on from another table of this number is refused", async (t) => {
  const world = settled();
  const delta = deltaTo(world, world.site.mark.version + 1);
  world.feed({ kind: "delta", delta, bytes: 200 });
  t.match(world.effects, [{ kind: "refuse", refusal: { reason: "number_taken" } }]);
});

t.test("a snapshot that was cut off goes on from what is stored", async (t) => {
  const world = new TransferWorld(5);
  world.weather = { lost: 0, doubled: 0, delayMsMax: 2_000, diskMsMax: 100 };
  world.up();
  const isHalfDone = () => world.acks.some((ack) => ack.outcome === "progress" && ack.percent > 20);
  for (let step = 0; step < 10_000 && !isHalfDone(); step += 1) world.advance(10);
  world.restart();
  t.notOk(world.isThere());
  forget(world);
  world.up();
  world.advance(60_000);
  t.ok(world.isThere());
  const first = world.acks.find(({ outcome }) => outcome === "progress");
  t.ok(first?.outcome === "progress" && first.percent > 0, "not from the beginning");
});

t.test("changes are put in force while a snapshot is under way", async (t) => {
  const world = settled();
  const { mark } = world.site;
  world.site.changeAtOnce();
  world.weather = { ...fair, diskMsMax: 60_000 };
  world.replay(world.site.head());
  world.advance(0);
  t.equal(kinds(world).at(-1), "begin_snapshot");
  const to = { ...mark, version: mark.version + 1, tag: world.site.mark.tag };
  const delta = { from: mark, to, compiledAt: epochMs(0), changes: [] };
  world.feed({ kind: "delta", delta, bytes: 200 });
  t.same(world.effects.at(-1), { kind: "store_deltas", deltas: [delta] });
  world.advance(600_000);
  t.equal(kinds(world).includes("abandon_snapshot"), true, "it is needed no more");
  t.ok(world.isThere());
});

t.test("a change past the snapshot that comes into force does not wait for it", async (t) => {
  const world = settled();
  const { mark } = world.site;
  world.weather = slowDisk;
  world.site.changeAtOnce();
  world.replay(world.site.head());
  const isFinishing = () => kinds(world).includes("finish_snapshot");
  for (let step = 0; step < 10_000 && !isFinishing(); step += 1) world.advance(100);
  const delta = { from: mark, to: world.site.mark, compiledAt: epochMs(0), changes: [] };
  world.disk.holdsFinish = true;
  world.feed({ kind: "delta", delta, bytes: 200 });
  world.site.change();
  world.advance(20_000);
  t.ok(world.isThere(), "a revocation among them is in force by now");
  world.disk.holdsFinish = false;
  world.advance(600_000);
  t.equal(world.fault(), undefined);
  t.ok(world.isThere(), "and the older snapshot has not put it out of force");
  t.equal(transferDeadline(world.state), undefined);
});

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

t.test("a snapshot of the table in force has its changes asked for again", async (t) => {
  const world = settled();
  const ofThisTable = manifestOf(world);
  world.weather = { ...fair, lost: 1 };
  world.site.change();
  world.replay(world.site.head());
  world.advance(60_000);
  t.equal(wants(world).at(-1), "snapshot");
  // What a site sends that keeps its snapshots for as long as deltas lead on from them.
  world.replay(ofThisTable);
  world.advance(0);
  t.equal(wants(world).at(-1), "deltas");
  t.notOk(kinds(world).includes("begin_snapshot"));
  world.weather = fair;
  world.advance(600_000);
  t.ok(world.isThere());
});

t.test(
  "a table is not folded while another one comes into force, nor the other way round",
  async (t) => {
    const world = settled();
    world.weather = slowDisk;
    for (let count = 0; count < 10; count += 1) world.site.change();
    for (let step = 0; step < 10_000 && !kinds(world).includes("fold"); step += 1)
      world.advance(100);
    world.site.changeAtOnce();
    world.replay(world.site.head());
    world.advance(600_000);
    t.ok(world.isThere());
    t.equal(world.fault(), undefined);
    const order = kinds(world).filter((kind) => kind === "fold" || kind === "finish_snapshot");
    t.same(order, ["fold", "finish_snapshot"]);
  },
);

t.test(
  "a log that is full while a snapshot comes into force is not folded: it goes with its image",
  async (t) => {
    const world = settled();
    world.weather = slowDisk;
    for (let count = 0; count < 12; count += 1) world.site.change();
    const late = world.heard.filter(({ kind }) => kind === "delta");
    world.down();
    world.advance(0);
    world.site.changeAtOnce();
    const { mark } = world.site;
    world.up();
    const isFinishing = () => kinds(world).includes("finish_snapshot");
    for (let step = 0; step < 10_000 && !isFinishing(); step += 1) world.advance(10);
    world.disk.holdsFinish = true;
    for (const word of late) world.replay(word);
    world.advance(600_000);
    t.equal(world.disk.isFoldDue, true);
    t.notOk(kinds(world).includes("fold"));
    world.disk.holdsFinish = false;
    world.advance(600_000);
    t.same(world.disk.inForce, mark);
    t.equal(world.fault(), undefined);
  },
);

t.test("chunks that are lost are asked for again soon", async (t) => {
  const world = settled();
  world.site.changeAtOnce();
  world.replay(world.site.head());
  world.weather = { ...fair, lost: 1 };
  world.replay(manifestOf(world));
  world.advance(0);
  t.equal(wants(world).at(-1), "chunks");
  world.weather = fair;
  world.advance(4_000);
  t.ok(world.isThere());
});

t.test("a snapshot from which no delta leads on to the head is left alone", async (t) => {
  const world = settled();
  world.weather = { ...fair, lost: 1 };
  world.site.changeAtOnce();
  const old = manifestOf(world);
  world.site.changeAtOnce();
  world.replay(world.site.head());
  world.replay(old);
  t.same(kinds(world).includes("begin_snapshot"), false);
  world.replay(manifestOf(world));
  t.equal(kinds(world).includes("begin_snapshot"), true);
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

t.test("nobody answers: it asks again, less and less often, and no more than that", async (t) => {
  const world = settled();
  world.weather = { ...fair, lost: 1 };
  world.site.change();
  world.replay(world.site.head());
  world.advance(24 * 3_600_000);
  t.ok(world.gets.length > 200, `${world.gets.length} requests in a day`);
  t.ok(world.gets.length < 500, `${world.gets.length} requests in a day`);
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
  "a snapshot that is no table is fetched again seldom, and at once where the site has another",
  async (t) => {
    const world = settled();
    world.disk.areSnapshotsSpoilt = true;
    world.site.changeAtOnce();
    world.replay(world.site.head());
    world.advance(3_600_000);
    const finished = kinds(world).filter((kind) => kind === "finish_snapshot").length;
    t.ok(finished > 1 && finished < 8, `${finished} in an hour`);
    t.match(
      world.effects.find(({ kind }) => kind === "refuse"),
      { refusal: { reason: "invalid_content" } },
    );
    world.disk.areSnapshotsSpoilt = false;
    world.site.changeAtOnce();
    world.replay(world.site.head());
    world.advance(1_000);
    t.ok(world.isThere());
  },
);

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
