import t from "tap";
import { offlineWill } from "../../../src/controller/sync-client.ts";
import { decodeStatus } from "../../../src/protocols/sync/status-message.ts";
import { openSettledStage, type SyncStage } from "./sync-stage.ts";
import { provision, topics } from "./tables.ts";

function said(stage: SyncStage): readonly unknown[] {
  return stage.broker.to(topics.status).map(({ payload, retain }) => {
    const status = decodeStatus(payload);
    return retain && status.ok ? status.value : "not a retained status";
  });
}

t.test(
  "the status is said when the link comes up and when it changed, never on a tick",
  async (t) => {
    const stage = await openSettledStage(t);
    t.equal(stage.client.linkState(), "down");
    stage.client.statusChanged();
    t.same(said(stage), [], "nobody to say it to");
    stage.up();
    t.equal(stage.client.linkState(), "up");
    const first = stage.status;
    t.same(said(stage), [first]);
    stage.clock.advance(3_600_000);
    stage.status = { ...first, tableAgeMs: 3_600_000 };
    stage.client.statusChanged();
    t.same(said(stage), [first], "getting older is no change");
    stage.status = { ...first, troubles: ["a"] };
    stage.client.statusChanged();
    t.equal(said(stage).length, 2, "the first change is said at once");
    for (let count = 0; count < 50; count += 1) {
      stage.status = { ...first, troubles: [`trouble ${count}`] };
      stage.client.statusChanged();
    }
    t.equal(said(stage).length, 2);
    stage.clock.advance(1_000);
    t.same(said(stage).slice(2), [{ ...first, troubles: ["trouble 49"] }], "fifty as one");
    t.equal(stage.clock.alarmCount, 0);
    stage.broker.down();
    stage.up();
    t.equal(said(stage).length, 4, "the broker may have published the will meanwhile");
  },
);

t.test("who leaves in order says so; the will says it for who does not", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  await stage.client.close();
  await stage.client.close();
  t.same(said(stage).at(-1), { online: false });
  const will = offlineWill(provision);
  t.equal(will.topic, topics.status);
  t.match(decodeStatus(will.payload), { ok: true, value: { online: false } });
  stage.broker.down();
  stage.up();
  t.equal(said(stage).length, 2, "a client that is closed says nothing more");
});

t.test("a status that the broker did not take is said again at the next change", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  stage.clock.advance(1_000);
  const changed = { ...stage.status, troubles: ["a"] };
  stage.broker.refuseNext();
  stage.status = changed;
  stage.client.statusChanged();
  await stage.quiet();
  t.equal(said(stage).length, 1);
  stage.clock.advance(1_000);
  stage.client.statusChanged();
  t.same(said(stage).at(-1), changed);
});

t.test("which table is in force is in the status soon, and a trouble at once", async (t) => {
  const stage = await openSettledStage(t);
  stage.up();
  stage.clock.advance(60_000);
  const first = stage.status;
  for (const version of [1, 2, 3]) {
    stage.status = { ...first, table: { epoch: 1, version } };
    stage.client.statusChanged();
    stage.clock.advance(500);
  }
  t.equal(said(stage).length, 1, "its acknowledgement has said so");
  stage.clock.advance(500);
  t.same(said(stage).at(-1), { ...first, table: { epoch: 1, version: 3 } }, "within 2 s");
  stage.clock.advance(60_000);
  stage.status = { ...first, table: { epoch: 1, version: 4 } };
  stage.client.statusChanged();
  stage.status = { ...stage.status, troubles: ["a"] };
  stage.client.statusChanged();
  t.same(said(stage).at(-1), stage.status);
  t.equal(said(stage).length, 3);
  t.equal(stage.clock.alarmCount, 0, "all is said");
});
