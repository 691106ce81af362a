import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { controllerId } from "../../../src/domain/ids.ts";
import type { TableMark } from "../../../src/domain/table-change.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { snapshotName } from "../../../src/protocols/sync/snapshot-chunk.ts";
import { controllerFrame } from "../../../src/site/controller-frame.ts";
import { SiteIndex } from "../../../src/site/site-index.ts";
import { openSiteKeys } from "../../../src/site/site-keys.ts";
import { TableSnapshots, transferMs } from "../../../src/site/table-snapshots.ts";
import { paperFolder } from "./paper-folder.ts";
import { site } from "./site-rig.ts";
import { accepted, whole } from "./whole-site-file.ts";

const [one, two, three] = ["one", "two", "three"].map(controllerId) as [never, never, never];
const index = new SiteIndex(accepted(whole));
const keys = openSiteKeys(paperFolder(), site);

/** Tables that are empty but for their doors, and how long it takes to make one. */
class Workshop {
  readonly clock = new SimClock();
  readonly marks = new Map<string, TableMark>();
  makingMs = 0;
  madeCount = 0;

  open(bytesMax?: number): TableSnapshots {
    return new TableSnapshots({
      clock: this.clock,
      keys,
      contentOf: (controller) => {
        this.madeCount += 1;
        this.clock.stall(this.makingMs);
        const frame = controllerFrame(index, one);
        const mark = this.#markOf(controller);
        return { mark, compiledAt: epochMs(1), frame, users: [], passes: [] };
      },
      leadsOn: (controller, mark) => mark.epoch === this.#markOf(controller).epoch,
      ...(bytesMax !== undefined && { bytesMax }),
    });
  }

  #markOf(controller: string): TableMark {
    return this.marks.get(controller) ?? { epoch: 1, version: 1, tag: 1 };
  }
}

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
