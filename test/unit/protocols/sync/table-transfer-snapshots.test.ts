import t from "tap";
import { epochMs } from "../../../../src/domain/time.ts";
import { transferDeadline } from "../../../../src/protocols/sync/table-transfer.ts";
import { forget, kinds, manifestOf, settled, wants } from "./settled-transfer.ts";
import { fair, type TransferWeather, TransferWorld } from "./transfer-world.ts";

const slowDisk: TransferWeather = { lost: 0, doubled: 0, delayMsMax: 0, diskMsMax: 5_000 };

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
