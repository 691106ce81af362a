import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { schemas } from "@seamapi/types/connect";
import t, { type Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { doorId, passId, readerId, userId } from "../../../src/domain/ids.ts";
import { denialReasons } from "../../../src/domain/reason.ts";
import { type EventStore, openEventStore } from "../../../src/site/event-store.ts";
import { nameUuid } from "../../../src/site/name-uuid.ts";
import { noticeTypes } from "../../../src/site/notice.ts";
import { Notices } from "../../../src/site/notices.ts";
import { NoticesOfDoors } from "../../../src/site/notices-of-doors.ts";
import { listNotices } from "../../../src/site/store/notices.ts";
import type { SiteStore } from "../../../src/site/store/site-store.ts";
import { everyEvent } from "../protocols/sync/samples.ts";
import { Diary } from "./diary.ts";
import { LogText, one, site, temporaryFolder } from "./site-rig.ts";
import { type Names, storeNames } from "./store/store-names.ts";
import { openStore, overBothDatabases, type StoreBench } from "./store/store-rig.ts";

const identity = {
  systemId: nameUuid(site, "acs_system"),
  workspaceId: nameUuid(site, "workspace"),
  connectedAccountId: nameUuid(site, "connected_account"),
};

interface DoorRig {
  readonly store: SiteStore;
  readonly events: EventStore;
  readonly diary: Diary;
  readonly clock: SimClock;
  readonly log: LogText;
  readonly names: Names;
  madeCount: number;
}

async function makeRig(t: Test, bench: StoreBench): Promise<DoorRig> {
  const store = await openStore(t, await bench.newDatabase());
  const events = openEventStore(join(temporaryFolder(t), "events.sqlite3"));
  t.teardown(() => events.close());
  return {
    store,
    events,
    diary: new Diary(one),
    clock: new SimClock(),
    log: new LogText(),
    names: await storeNames(store),
    madeCount: 0,
  };
}

/** What a site service has of it from one start to its end. */
function start(
  rig: DoorRig,
  {
    store = rig.store,
    events = rig.events,
  }: Partial<Pick<DoorRig, "events">> & {
    readonly store?: Pick<SiteStore, "record" | "rows">;
  } = {},
): NoticesOfDoors {
  return new NoticesOfDoors({
    site,
    engine: { events: async (query) => events.page(query) },
    store,
    notices: new Notices({
      identity,
      made: () => {
        rig.madeCount += 1;
      },
    }),
    clock: rig.clock,
    log: rig.log,
  });
}

/** Wakes it, and waits until it has done what there was to do. */
async function drain(doors: NoticesOfDoors): Promise<void> {
  doors.wake();
  await doors.settled();
}

function happen({ events, diary }: DoorRig, ...what: readonly DoorEvent[]): void {
  const outcome = events.intake(diary.write(...what));
  if (!outcome.ok) throw new Error(outcome.fault.reason);
}

const everything = { types: noticeTypes, subjects: [], limit: 1_000, offset: 0 };

async function noticesOf({ store }: DoorRig) {
  const rows = await listNotices(store.rows, everything);
  return rows.toReversed().map(({ body }) => schemas.seam_event.parse(JSON.parse(body)));
}

const granted = (part: object = {}): DoorEvent => ({
  kind: "access_granted",
  door: doorId("front"),
  reader: readerId("front"),
  pass: passId("card"),
  user: userId("ada"),
  reason: "granted",
  ...part,
});

const denied = (part: object = {}): DoorEvent => ({
  kind: "access_denied",
  door: doorId("front"),
  reader: readerId("front"),
  reason: "unknown_credential",
  ...part,
});

overBothDatabases(t, async (t, bench) => {
  t.test("who was let in and who was not is told as Seam tells it", async (t) => {
    const rig = await makeRig(t, bench);
    const doors = start(rig);
    await drain(doors);
    const attempt = randomUUID();
    const remote = { kind: "remote_unlock", door: doorId("front"), attempt } as const;
    happen(
      rig,
      granted(),
      granted({ pass: passId("pin") }),
      granted({ pass: passId("nfc") }),
      granted({ pass: passId("phone"), reason: "granted_leaf_open" }),
      granted({ reason: "granted_relocked" }),
      granted({ pass: passId("gone"), user: userId("gone"), door: doorId("gone") }),
      denied(),
      denied({ user: userId("ada"), reason: "expired" }),
      { ...remote, outcome: "released" },
      { ...remote, outcome: "lockdown" },
    );
    await drain(doors);
    const told = await noticesOf(rig);
    const { front, ada } = rig.names;
    const here = {
      workspace_id: identity.workspaceId,
      connected_account_id: identity.connectedAccountId,
      acs_system_id: identity.systemId,
    };
    const byAda = { ...here, acs_entrance_id: front, acs_user_id: ada };
    t.match(told, [
      { ...byAda, event_type: "lock.unlocked", method: "card", is_via_nfc: undefined },
      { ...byAda, event_type: "lock.unlocked", method: "keycode" },
      { ...byAda, event_type: "lock.unlocked", method: "card", is_via_nfc: true },
      { ...byAda, event_type: "lock.unlocked", method: "remote", is_via_bluetooth: true },
      { ...here, event_type: "lock.unlocked", method: "unknown", acs_entrance_id: undefined },
      {
        ...here,
        event_type: "lock.access_denied",
        acs_entrance_id: front,
        acs_user_id: undefined,
        reason: { reason_code: "unknown_code", message: "No pass has this card or PIN." },
      },
      { ...byAda, event_type: "lock.access_denied", reason: { reason_code: "expired_code" } },
      { ...here, event_type: "lock.unlocked", method: "remote", action_attempt_id: attempt },
    ]);
    t.equal(told.length, 8);
    t.match(told[0], { occurred_at: new Date(1_001).toISOString() }, "when it was at the door");
    t.equal(rig.madeCount, 1);
  });

  t.test(
    "every event and every reason makes a notice that Seam's package takes, or none",
    async (t) => {
      const rig = await makeRig(t, bench);
      const doors = start(rig);
      await drain(doors);
      happen(rig, ...everyEvent, ...denialReasons.map((reason) => denied({ reason })));
      await drain(doors);
      const told = await noticesOf(rig);
      const deniedCount = told.filter(
        (notice) => notice.event_type === "lock.access_denied",
      ).length;
      t.equal(deniedCount, denialReasons.length + 1);
      t.equal(told.length, denialReasons.length + 3);
    },
  );

  t.test("what happened before the site told anything is not told", async (t) => {
    const rig = await makeRig(t, bench);
    happen(rig, granted(), granted());
    await drain(start(rig));
    t.same(await noticesOf(rig), []);
    happen(rig, denied());
    // Started anew before it saw that: it begins where the one before began.
    await drain(start(rig));
    t.match(await noticesOf(rig), [{ event_type: "lock.access_denied" }]);
  });

  t.test("a grant is told once, wherever the site was killed", async (t) => {
    const rig = await makeRig(t, bench);
    await drain(start(rig));
    const many = Array.from({ length: 600 }, () => granted());
    happen(rig, ...many.slice(0, 300));
    let commitCount = 0;
    // Cut after so many commits: the one behind them never reaches the disk.
    for (const commitsMax of [0, 1, 0, 2]) {
      let left = commitsMax;
      const doors = start(rig, {
        store: {
          rows: rig.store.rows,
          record: async (make) => {
            if (left === 0) throw new Error("killed");
            left -= 1;
            commitCount += 1;
            return await rig.store.record(make);
          },
        },
      });
      await drain(doors);
      await doors.close();
      happen(rig, ...many.slice(300 + commitCount * 10, 310 + commitCount * 10));
    }
    happen(rig, ...many);
    await drain(start(rig));
    const told = await noticesOf(rig);
    t.equal(told.length, rig.events.newest());
    t.equal(new Set(told.map(({ event_id: id }) => id)).size, told.length);
    t.same(
      told.map(({ occurred_at: at }) => at),
      told.map(({ occurred_at: at }) => at).toSorted(),
      "in order",
    );
    // A copy of before of where it was: all of it is seen again, and told no second time.
    await rig.store.record(async ({ rows }) => {
      await rows
        .updateTable("facts")
        .set({ value: "0" })
        .where("key", "=", "noticePosition")
        .execute();
    });
    const madeBefore = rig.madeCount;
    await drain(start(rig));
    t.equal((await noticesOf(rig)).length, told.length);
    t.equal(rig.madeCount, madeBefore, "and nobody is woken for it");
  });

  t.test("a disk that fails is tried again, and meanwhile nothing is lost", async (t) => {
    const rig = await makeRig(t, bench);
    let isFailing = false;
    const doors = start(rig, {
      store: {
        rows: rig.store.rows,
        record: async (make) => {
          if (isFailing) throw new Error("the disk is full");
          return await rig.store.record(make);
        },
      },
    });
    await drain(doors);
    isFailing = true;
    happen(rig, granted());
    await drain(doors);
    t.match(rig.log.text, /the disk is full/);
    await drain(doors);
    t.equal(rig.clock.alarmCount, 1, "one more try is due");
    rig.clock.advance(1_000);
    await doors.settled();
    happen(rig, granted());
    isFailing = false;
    rig.clock.advance(1_999);
    await doors.settled();
    t.equal((await noticesOf(rig)).length, 0, "later than the first time");
    rig.clock.advance(1);
    await doors.settled();
    t.equal((await noticesOf(rig)).length, 2);
    t.equal(rig.clock.alarmCount, 0);
  });

  t.test("events that were restored from a copy are gone on from there", async (t) => {
    const rig = await makeRig(t, bench);
    const first = start(rig);
    await drain(first);
    happen(rig, granted(), granted(), denied());
    await drain(first);
    await first.close();
    const copy = openEventStore(join(temporaryFolder(t), "events.sqlite3"));
    t.teardown(() => copy.close());
    const diary = new Diary(one);
    const chain = diary.write(granted(), granted(), denied(), granted());
    copy.intake(chain.slice(0, 1));
    const doors = start(rig, { events: copy });
    await drain(doors);
    t.match(rig.log.text, /a copy of before/);
    copy.intake(chain.slice(0, 4));
    await drain(doors);
    t.equal((await noticesOf(rig)).length, 4, "the three of before once, and the new one");
  });
});
