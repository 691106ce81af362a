import t from "tap";
import { snapshotName } from "../../../src/protocols/sync/snapshot-chunk.ts";
import { transferMs } from "../../../src/site/table-snapshots.ts";
import { one, three, two, Workshop } from "./snapshot-workshop.ts";

t.test("the same table is the same snapshot, also after a restart", async (t) => {
  const shop = new Workshop();
  const made = shop.open().of(one);
  t.ok(made);
  t.same(shop.open().of(one)?.parts, made?.parts);
  shop.marks.set("one", { epoch: 1, version: 1, tag: 2 });
  t.not(shop.open().of(one)?.parts.imageHash, made?.parts.imageHash, "another is another");
});

t.test("a snapshot is made once for as long as deltas lead on from it", async (t) => {
  const shop = new Workshop();
  const snapshots = shop.open();
  const made = snapshots.of(one);
  shop.marks.set("one", { epoch: 1, version: 9, tag: 9 });
  t.equal(snapshots.of(one), made);
  t.equal(snapshots.named(one, snapshotName(made?.parts ?? { imageHash: "" })), made);
  t.equal(snapshots.named(one, "0123456789abcdef"), undefined);
  t.equal(shop.madeCount, 1);
  shop.marks.set("one", { epoch: 2, version: 1, tag: 9 });
  t.same(snapshots.of(one)?.mark, { epoch: 2, version: 1, tag: 9 });
});

t.test("a site that makes snapshots has as much time for everybody else", async (t) => {
  const shop = new Workshop();
  const snapshots = shop.open();
  shop.makingMs = 3_000;
  const made = snapshots.of(one);
  t.equal(snapshots.of(two), undefined);
  t.equal(snapshots.of(one), made, "what is made is given out");
  shop.clock.advance(2_999);
  t.equal(snapshots.of(two), undefined);
  shop.clock.advance(1);
  t.ok(snapshots.of(two));
});

t.test("nobody's transfer is broken off to make room for another's", async (t) => {
  const shop = new Workshop();
  const bytes = shop.open().of(one)?.parts.imageBytes ?? 0;
  const snapshots = shop.open(2.5 * bytes);
  const first = snapshots.of(one);
  snapshots.of(two);
  shop.clock.advance(transferMs - 1);
  t.equal(snapshots.of(three), undefined);
  for (const controller of [one, two]) snapshots.of(controller);
  shop.clock.advance(1);
  t.equal(snapshots.of(three), undefined, "from when they last asked");
  t.equal(snapshots.of(one), first, "one still asks");
  shop.clock.advance(transferMs - 1);
  t.ok(snapshots.of(three), "two has not asked for a while");
  t.equal(snapshots.of(one), first);
  t.equal(snapshots.of(two), undefined);
});
