import t from "tap";
import { controllerId } from "../../../src/domain/ids.ts";
import { chunkBytes, snapshotName } from "../../../src/protocols/sync/snapshot-chunk.ts";
import { sealTableGet } from "../../../src/protocols/sync/table-get.ts";
import { headGatherMs } from "../../../src/site/table-heads.ts";
import { controllerLimits, requestsKnownMax } from "../../../src/site/table-requests.ts";
import { pairing } from "../protocols/sync/samples.ts";
import { one, type SiteRig, siteFile, startSite } from "./site-rig.ts";
import { TableTaker } from "./table-taker.ts";

const two = controllerId("two");

async function askedSite(test: Parameters<typeof startSite>[0]) {
  const rig = await startSite(test);
  rig.service.apply(siteFile(), "x.toml");
  rig.clock.advance(headGatherMs);
  return { rig, taker: new TableTaker(rig, one) };
}

function rename(rig: SiteRig, name: string): void {
  rig.service.apply(siteFile().replace('"Front"', `"${name}"`), "x.toml");
}

const endOf = ({ topic }: { readonly topic: string }) => topic.split("/").at(-1);

t.test("what a controller asks for is published on its own topics, for it alone", async (t) => {
  const { rig, taker } = await askedSite(t);
  rename(rig, "Main");
  const after = { ...taker.head().mark, version: 1 };
  t.same(taker.ask({ want: "head" }).map(endOf), ["head"]);
  t.same(taker.ask({ want: "snapshot" }).map(endOf), ["manifest"]);
  t.same(taker.ask({ want: "deltas", after }).map(endOf), ["head"], "from a table that never was");
  const manifest = taker.manifest();
  if (manifest === undefined) throw new Error("no manifest");
  const chunks = { want: "chunks", snapshot: snapshotName(manifest), count: 16 } as const;
  t.same(taker.ask({ ...chunks, from: 0 }).map(endOf), ["chunk"], "there is one");
  t.same(taker.ask({ ...chunks, from: 9 }).map(endOf), [], "and no tenth");
  t.ok(rig.broker.published.every((each) => each.retain === (endOf(each) === "head")));
});

t.test("who has the newest table is told that there is none newer", async (t) => {
  const { rig, taker } = await askedSite(t);
  rename(rig, "Main");
  const { mark } = taker.head();
  t.same(taker.ask({ want: "deltas", after: mark }).map(endOf), ["head"]);
});

t.test("a request that is replayed is answered once", async (t) => {
  const { rig, taker } = await askedSite(t);
  const request = "00000000000000aa";
  t.equal(taker.ask({ want: "snapshot" }, request).length, 1);
  t.equal(taker.ask({ want: "snapshot" }, request).length, 0);
  t.equal(taker.ask({ want: "head" }, request).length, 0, "whatever it asks for");
  t.equal(
    new TableTaker(rig, two).ask({ want: "head" }, request).length,
    1,
    "another's is another",
  );
  for (let count = 0; count < requestsKnownMax; count += 1) taker.ask({ want: "head" });
  t.equal(taker.ask({ want: "head" }, request).length, 1, "only so many are known again");
});

t.test("a flood of requests is answered within limits, and not beyond", async (t) => {
  const { rig, taker } = await askedSite(t);
  const snapshot = snapshotName(taker.manifest() ?? { imageHash: "" });
  const askAll = (by = taker, name = snapshot) => {
    let answered = 0;
    for (let count = 0; count < 3_000; count += 1) {
      const want = { want: "chunks", snapshot: name, from: 0, count: 1 } as const;
      answered += by.ask(want).length;
    }
    return answered;
  };
  const burst = controllerLimits.burstBytes / chunkBytes;
  t.ok(Math.abs(askAll() - burst) <= 1);
  t.equal(taker.ask({ want: "head" }).length <= 1, true);
  const other = new TableTaker(rig, two);
  t.ok(askAll(other, snapshotName(other.manifest() ?? { imageHash: "" })) > 0, "nobody else waits");
  rig.clock.advance(1_000);
  const second = controllerLimits.bytesPerSecond / chunkBytes;
  t.ok(Math.abs(askAll() - second) <= 1, "as much as a second earns");
});

t.test(
  "a snapshot is fetched to its end while the table changes; deltas lead on from it",
  async (t) => {
    const { rig, taker } = await askedSite(t);
    const manifest = taker.manifest();
    if (manifest === undefined) throw new Error("no manifest");
    rename(rig, "Main");
    rename(rig, "Gate");
    t.same(taker.manifest(), manifest, "it is not made anew for each change");
    taker.table = taker.snapshot();
    t.equal(taker.table.mark.version, 1);
    t.match(taker.follow().frame.doors, [{ name: "Gate" }]);
  },
);

t.test("of a snapshot from which nothing leads on, the next one is named instead", async (t) => {
  const { rig, taker } = await askedSite(t);
  const snapshot = snapshotName(taker.manifest() ?? { imageHash: "" });
  rename(rig, "Main");
  rig.service.rotateKey();
  const answers = taker.ask({ want: "chunks", snapshot, from: 0, count: 1 });
  t.same(answers.map(endOf), ["manifest"]);
  t.equal(taker.manifest()?.mark.version, 2);
});

t.test("whoever is not the controller is answered nothing", async (t) => {
  const { rig, taker } = await askedSite(t);
  const before = rig.broker.published.length;
  const forged = sealTableGet(pairing(99).scope, { want: "head", request: "00000000000000aa" });
  rig.broker.deliver(taker.topics.tableGet, forged);
  rig.broker.deliver(taker.topics.tableGet, new Uint8Array(300));
  t.equal(rig.broker.published.length, before);
  t.equal(rig.service.controllers().find(({ controller }) => controller === one)?.refusedCount, 2);
});

t.test("an answer that the link loses is no fault, and can be asked for again", async (t) => {
  const { rig, taker } = await askedSite(t);
  rig.broker.cut();
  t.same(taker.ask({ want: "snapshot" }), []);
  await new Promise((resolve) => setImmediate(resolve));
  t.match(rig.log.text, /an answer to a controller was lost/);
  rig.broker.restore();
  t.ok(taker.manifest());
});
