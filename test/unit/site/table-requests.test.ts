import t from "tap";
import { controllerId } from "../../../src/domain/ids.ts";
import { chunkBytes, snapshotName } from "../../../src/protocols/sync/snapshot-chunk.ts";
import { sealTableGet } from "../../../src/protocols/sync/table-get.ts";
import { openTableHead } from "../../../src/protocols/sync/table-head.ts";
import { headGatherMs } from "../../../src/site/table-heads.ts";
import {
  controllerLimits,
  requestsKnownMax,
  underWayMax,
} from "../../../src/site/table-requests.ts";
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

/** Until what was published has arrived. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const endOf = ({ topic }: { readonly topic: string }) => topic.split("/").at(-1);

t.test("what a controller asks for is published on its own topics, for it alone", async (t) => {
  const { rig, taker } = await askedSite(t);
  rename(rig, "Main");
  const after = { ...taker.head().mark, version: 1 };
  t.same(taker.ask({ want: "head" }).map(endOf), ["head"]);
  t.same(taker.ask({ want: "snapshot" }).map(endOf), ["manifest"]);
  t.same(
    taker.ask({ want: "deltas", after }).map(endOf),
    ["manifest"],
    "from a table that never was, or is forgotten: no delta will ever lead on from it",
  );
  const manifest = taker.manifest();
  if (manifest === undefined) throw new Error("no manifest");
  const chunks = { want: "chunks", snapshot: snapshotName(manifest), count: 16 } as const;
  t.same(taker.ask({ ...chunks, from: 0 }).map(endOf), ["chunk"], "there is one");
  t.same(taker.ask({ ...chunks, from: 9 }).map(endOf), [], "and no tenth");
  const answers = [...taker.ask({ want: "head" }), ...taker.ask({ want: "snapshot" })];
  t.ok(answers.every(({ retain }) => !retain));
});

t.test("who has the newest table is told that there is none newer", async (t) => {
  const { rig, taker } = await askedSite(t);
  rename(rig, "Main");
  const { mark } = taker.head();
  t.same(taker.ask({ want: "deltas", after: mark }).map(endOf), ["head"]);
});

t.test("a head that was asked for names the request, and the retained one none", async (t) => {
  const { rig, taker } = await askedSite(t);
  const request = "00000000000000aa";
  for (const want of [
    { want: "head" },
    { want: "deltas", after: { epoch: 2 ** 40, version: 1, tag: 1 } },
  ] as const) {
    const [answer] = taker.ask(want, request.replace("aa", want.want === "head" ? "aa" : "bb"));
    const head = openTableHead(taker.opener, answer?.payload ?? new Uint8Array());
    t.match(head, { ok: true, value: { request: /^0{14}(aa|bb)$/ } });
  }
  const [retained] = rig.broker.published.filter(({ retain }) => retain);
  const head = openTableHead(taker.opener, retained?.payload ?? new Uint8Array());
  t.equal(head.ok && head.value.request, undefined);
});

t.test(
  "a broker that takes nothing has the site hold a few MiB, whatever it replays",
  async (t) => {
    const { rig, taker } = await askedSite(t);
    const snapshot = snapshotName(taker.manifest() ?? { imageHash: "" });
    const mark = taker.head().mark;
    await settled();
    let held = 0;
    let isBusy = false;
    const arrivals: (() => void)[] = [];
    rig.broker.publish = (_topic, payload) => {
      held += Math.max(payload.length, 4_096);
      return isBusy ? new Promise((resolve) => arrivals.push(resolve)) : Promise.resolve();
    };
    isBusy = true;
    for (let count = 0; count < 1_000; count += 1) {
      rig.clock.advance(100);
      taker.ask({ want: "chunks", snapshot, from: 0, count: 16 });
      taker.ask({ want: "deltas", after: { ...mark, version: 0 } });
    }
    t.ok(held > underWayMax.controller / 2);
    t.ok(held <= underWayMax.controller);
    isBusy = false;
    for (const arrive of arrivals) arrive();
    await settled();
    held = 0;
    taker.ask({ want: "head" });
    t.ok(held > 0, "what has arrived makes room");
  },
);

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
  const askAll = async (by = taker, name = snapshot) => {
    let answered = 0;
    for (let count = 0; count < 1_500; count += 1) {
      const want = { want: "chunks", snapshot: name, from: 0, count: 1 } as const;
      answered += by.ask(want).length;
      await Promise.resolve();
    }
    await settled();
    return answered;
  };
  const burst = controllerLimits.burstBytes / chunkBytes;
  t.ok(Math.abs((await askAll()) - burst) <= 1);
  t.equal(taker.ask({ want: "head" }).length <= 1, true);
  const other = new TableTaker(rig, two);
  t.ok(
    (await askAll(other, snapshotName(other.manifest() ?? { imageHash: "" }))) > 0,
    "nobody else waits",
  );
  rig.clock.advance(1_000);
  const second = controllerLimits.bytesPerSecond / chunkBytes;
  t.ok(Math.abs((await askAll()) - second) <= 1, "as much as a second earns");
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
  await settled();
  t.match(rig.log.text, /answers to controllers are lost/);
  rig.broker.restore();
  t.ok(taker.manifest());
});
