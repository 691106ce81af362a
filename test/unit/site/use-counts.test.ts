import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import t from "tap";
import type { PassRecord } from "../../../src/domain/access.ts";
import type { DoorEvent, JournalEntry } from "../../../src/domain/event.ts";
import {
  type ControllerId,
  controllerId,
  doorId,
  passId,
  readerId,
  userId,
} from "../../../src/domain/ids.ts";
import { sealEventBatch } from "../../../src/protocols/sync/event-message.ts";
import { deriveKeys } from "../../../src/protocols/sync/provision.ts";
import { topicsFor } from "../../../src/protocols/sync/topics.ts";
import { openEventStore } from "../../../src/site/event-store.ts";
import { headGatherMs } from "../../../src/site/table-heads.ts";
import { usesGatherMs, usesRetryMs } from "../../../src/site/table-publisher.ts";
import { Diary } from "./diary.ts";
import { asOldEventStore } from "./old-event-store.ts";
import { one, type SiteRig, site, siteFile, startSite, temporaryFolder } from "./site-rig.ts";
import { TableTaker } from "./table-taker.ts";

const two = controllerId("two");
const card = passId("ada-card");
const limited = siteFile().replace('{ id = "ada-card",', '{ id = "ada-card", uses = 5,');

function granted(use?: number, pass = card, door = "front"): DoorEvent {
  return {
    kind: "access_granted",
    door: doorId(door),
    reader: readerId("front"),
    pass,
    user: userId("ada"),
    reason: "granted",
    ...(use !== undefined && { use }),
  };
}

function deliver(rig: SiteRig, controller: ControllerId, batch: readonly JournalEntry[]): void {
  const { messageKey } = deriveKeys(rig.service.provisionFor(controller).controllerKey);
  const message = sealEventBatch({ site, controller, messageKey }, batch);
  rig.broker.deliver(topicsFor(site, controller).event, message);
}

/** How many changes of its table a controller was sent. */
const changesOf = (rig: SiteRig, controller: ControllerId) =>
  rig.broker.payloadsOn(topicsFor(site, controller).tableDelta).length;

/** Ada's card in the table that the controller would take from the site now. */
const cardAt = (rig: SiteRig, controller: ControllerId): PassRecord | undefined =>
  new TableTaker(rig, controller).pass(card);

/** Until heads are out as well, and all is quiet. */
const settle = (rig: SiteRig) => rig.clock.advance(usesGatherMs + headGatherMs);

t.test("uses at one door are told to every controller, once for many", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  const diary = new Diary(one);
  deliver(rig, one, diary.write(granted(1)));
  deliver(rig, one, diary.write(granted(2), granted()));
  t.equal(changesOf(rig, two), 0, "they gather");
  rig.clock.advance(usesGatherMs);
  t.equal(changesOf(rig, two), 1);
  t.match(cardAt(rig, two), { usesMax: 5, spentElsewhere: 2 });
  t.match(cardAt(rig, one), { spentHere: 2 }, "what it has spent outlasts its own disk");
  rig.clock.advance(headGatherMs);
  t.equal(rig.clock.alarmCount, 0, "and then there is nothing to wait for");
  deliver(rig, two, new Diary(two).write(granted(1, card, "back")));
  settle(rig);
  t.match(cardAt(rig, one), { spentHere: 2, spentElsewhere: 1 });
  t.match(cardAt(rig, two), { spentHere: 1, spentElsewhere: 2 });
});

t.test("a busy door's uses are as many small changes as they need", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited.replace("uses = 5", "uses = 500"), "x.toml");
  const diary = new Diary(one);
  for (let use = 1; use <= 100; use += 1) {
    deliver(rig, one, diary.write(granted(use)));
    rig.clock.advance(usesGatherMs / 10);
  }
  settle(rig);
  t.match(cardAt(rig, two), { spentElsewhere: 100 });
  t.ok(changesOf(rig, two) <= 11);
  const longest = rig.broker
    .payloadsOn(topicsFor(site, two).tableDelta)
    .map(({ length }) => length);
  t.ok(Math.max(...longest) <= 200);
});

t.test("the use of a PIN after a card is shared as the card's is", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  const other = passId("other-pass");
  const event = { ...granted(undefined, other), pinUse: { pass: card, use: 2 } } as DoorEvent;
  deliver(rig, one, new Diary(one).write(event));
  settle(rig);
  t.match(cardAt(rig, two), { spentElsewhere: 2 });
});

t.test("a grant that spends nothing, or is told again, changes no table", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  settle(rig);
  const diary = new Diary(one);
  deliver(rig, one, diary.write(granted(undefined, passId("bob-card"))));
  t.equal(rig.clock.alarmCount, 0);
  const batch = diary.write(granted(3));
  deliver(rig, one, batch);
  settle(rig);
  deliver(rig, one, batch);
  t.equal(rig.clock.alarmCount, 0);
  deliver(rig, one, diary.write(granted(2)));
  settle(rig);
  t.equal(changesOf(rig, two), 1);
  t.match(cardAt(rig, two), { spentElsewhere: 3 }, "the highest use counts");
});

t.test("a use of a pass whose count was taken away changes no table either", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  rig.service.apply(siteFile(), "x.toml");
  const before = changesOf(rig, two);
  deliver(rig, one, new Diary(one).write(granted(1)));
  settle(rig);
  t.equal(changesOf(rig, two), before);
  rig.service.apply(limited, "x.toml");
  t.match(cardAt(rig, two), { spentElsewhere: 1 }, "and is known once it has one again");
});

t.test("uses are told to nobody who does not know the pass", async (t) => {
  const rig = await startSite(t);
  const text = limited.replace('doors = ["front", "back"]', 'doors = ["front"]');
  rig.service.apply(text, "x.toml");
  deliver(rig, one, new Diary(one).write(granted(1)));
  settle(rig);
  t.equal(changesOf(rig, one), 1);
  t.equal(changesOf(rig, two), 0);
});

t.test("uses outlast the site's restart; those not told before are told as a change", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  const taker = new TableTaker(rig, two);
  const diary = new Diary(one);
  deliver(rig, one, diary.write(granted(1)));
  settle(rig);
  const table = taker.follow();
  deliver(rig, one, diary.write(granted(2)));
  rig.service.close();
  t.equal(rig.clock.alarmCount, 0, "a site that ended does nothing later");
  const restarted = await startSite(t, { folder: rig.folder });
  const again = new TableTaker(restarted, two);
  again.table = table;
  t.match(again.head(), { mark: { version: 3 }, deltasFrom: 2 }, "no snapshot is needed");
  t.match(again.pass(card), { spentElsewhere: 2 });
  t.match(cardAt(restarted, one), { spentHere: 2 });
});

t.test("uses are not given back by a new site file, nor by more of them", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  deliver(rig, one, new Diary(one).write(granted(1), granted(2)));
  rig.service.apply(limited.replace("uses = 5", "uses = 9"), "x.toml");
  t.match(cardAt(rig, two), { usesMax: 9, spentElsewhere: 2 });
});

t.test("a site whose events were set back to a copy gives no use back", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  const events = (folder: string) => join(folder, "site", "events.sqlite3");
  const diary = new Diary(two);
  deliver(rig, two, diary.write(granted(1, card, "back")));
  settle(rig);
  const copy = join(temporaryFolder(t), "events.sqlite3");
  const disk = new Database(events(rig.folder));
  await disk.backup(copy);
  disk.close();
  deliver(rig, two, diary.write(granted(4, card, "back")));
  settle(rig);
  t.match(cardAt(rig, one), { spentElsewhere: 4 });
  rig.service.close();
  for (const side of ["-wal", "-shm"]) rmSync(`${events(rig.folder)}${side}`, { force: true });
  copyFileSync(copy, events(rig.folder));
  const restored = await startSite(t, { folder: rig.folder });
  settle(restored);
  t.match(cardAt(restored, one), { spentElsewhere: 4 });
  deliver(restored, one, new Diary(one).write(granted(1)));
  settle(restored);
  t.match(cardAt(restored, two), { spentElsewhere: 1, spentHere: 4 }, "what is new adds to it");
  restored.service.apply(limited.replace("uses = 5", "uses = 9"), "x.toml");
  t.match(cardAt(restored, one), { usesMax: 9, spentElsewhere: 4 });
});

t.test("a controller whose storage was replaced takes no use back", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  deliver(rig, one, new Diary(one).write(granted(1), granted(2)));
  settle(rig);
  const renewed = new Diary(one, "j2");
  deliver(rig, one, renewed.write({ kind: "controller_started", software: "postern" }));
  deliver(rig, one, renewed.write(granted(1)));
  settle(rig);
  t.match(cardAt(rig, one), { spentHere: 2 }, "it is told what it has forgotten");
  t.match(cardAt(rig, two), { spentElsewhere: 2 });
});

t.test("the site says of a pass that is used up what the door says", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  const reasonAt = (door: string) => {
    const answer = rig.service.explain({ door: doorId(door), pass: card });
    if (!answer.ok) throw new Error("no answer");
    const { decision } = answer.value.explanation;
    return decision.kind === "denied" ? decision.reason : decision.kind;
  };
  const diary = new Diary(one);
  deliver(rig, one, diary.write(granted(1), granted(4)));
  settle(rig);
  t.same([reasonAt("front"), reasonAt("back")], ["granted", "granted"]);
  deliver(rig, one, diary.write(granted(5)));
  t.equal(reasonAt("front"), "over_limit", "before a table has told it");
  settle(rig);
  t.equal(reasonAt("back"), "over_limit");
});

t.test("tables that could not be stored are tried again, with what came since", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  settle(rig);
  const disk = new Database(join(rig.folder, "site", "events.sqlite3"));
  t.teardown(() => disk.close());
  const diary = new Diary(one);
  deliver(rig, one, diary.write(granted(1)));
  disk.exec("ALTER TABLE uses RENAME TO lost");
  rig.clock.advance(usesGatherMs);
  t.equal(changesOf(rig, two), 0);
  t.match(rig.log.text, /could not be stored/);
  disk.exec("ALTER TABLE lost RENAME TO uses");
  deliver(rig, one, diary.write(granted(2)));
  rig.clock.advance(usesRetryMs - 1);
  t.equal(changesOf(rig, two), 0);
  rig.clock.advance(1 + headGatherMs);
  t.equal(changesOf(rig, two), 1);
  t.match(cardAt(rig, two), { spentElsewhere: 2 });
  t.equal(rig.clock.alarmCount, 0);
});

t.test("a store from before uses were counted goes on with all its events", async (t) => {
  const file = join(temporaryFolder(t), "events.sqlite3");
  const store = openEventStore(file);
  const diary = new Diary(one);
  store.intake(diary.write(granted()));
  store.close();
  asOldEventStore(file, 1);
  const reopened = openEventStore(file);
  t.teardown(() => reopened.close());
  t.equal(reopened.query({ limit: 9 }).length, 1);
  t.match(reopened.intake(diary.write(granted(1))), { ok: true });
  t.same(reopened.spentUses(card), [{ controller: "one", spent: 1 }]);
});

t.test("a use that the site never allowed counts nowhere, and is written down", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  const lies = [
    ["beyond the pass's count", granted(999_999_999)],
    ["one beyond it", granted(6)],
    ["of a pass without a count", granted(1, passId("bob-card"))],
    ["of a pass that there is not", granted(1, passId("eve-card"))],
    ["at another controller's door", granted(1, card, "back")],
    ["at no door of the site", granted(1, card, "side")],
  ] as const;
  const diary = new Diary(one);
  for (const [what, lie] of lies) {
    rig.log.text = "";
    deliver(rig, one, diary.write(lie));
    settle(rig);
    t.match(
      rig.log.text,
      /the site never allowed.*"controller":"one","pass":"[a-z-]+","door"/,
      what,
    );
    t.notMatch(rig.log.text, /Ada|34567|999999999/);
  }
  t.equal(changesOf(rig, two), 0);
  t.equal(rig.service.events.query({ limit: 99 }).length, lies.length, "all stay on record");
  deliver(rig, one, diary.write(granted(5)));
  settle(rig);
  t.match(cardAt(rig, two), { spentElsewhere: 5 }, "what it may say counts as before");
});

t.test("uses from before a pass's count was lowered, or its door moved, still count", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(limited, "x.toml");
  rig.service.apply(
    limited.replace("uses = 5", "uses = 2").replace('controller = "one"', 'controller = "three"'),
    "x.toml",
  );
  const restarted = await startSite(t, { folder: rig.folder });
  const diary = new Diary(one);
  deliver(restarted, one, diary.write(granted(4)));
  settle(restarted);
  t.notMatch(restarted.log.text, /never allowed/);
  t.match(cardAt(restarted, two), { usesMax: 2, spentElsewhere: 2 }, "no more than it has");
  deliver(restarted, one, diary.write(granted(6)));
  t.match(restarted.log.text, /never allowed/);
});
