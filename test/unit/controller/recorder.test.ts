import t from "tap";
import { createRecorder } from "../../../src/controller/recorder.ts";
import type { JournalEntry, JournalRecord } from "../../../src/domain/event.ts";
import { epochMs, epochMsMax } from "../../../src/domain/time.ts";
import { openEventBatch, sealEventBatch } from "../../../src/protocols/sync/event-message.ts";
import { chainStart, hashEntry } from "../../../src/protocols/sync/journal-chain.ts";
import { controller, pairing } from "../protocols/sync/samples.ts";

const { scope } = pairing();
const compiledAt = epochMs(1_800_000_000_000);

function recordAt(at: number): JournalRecord {
  const records: JournalRecord[] = [];
  const clock = { wall: () => ({ at: epochMs(at), quality: "unknown" as const }) };
  const table = () => ({ version: { epoch: 1, version: 1 }, compiledAt });
  const record = createRecorder({ clock, table, append: (each) => records.push(each) });
  record({ kind: "controller_started", software: "test" });
  const [made] = records;
  if (made === undefined) throw new Error("nothing was recorded");
  return made;
}

function entryOf(record: JournalRecord): JournalEntry {
  const unhashed = { ...record, controller, journal: "j1", number: 1, previous: chainStart };
  return { ...unhashed, hash: hashEntry(unhashed) };
}

const atSite = (entry: JournalEntry) => openEventBatch(scope, sealEventBatch(scope, [entry]));

t.test("the site takes what is recorded by a clock that says anything", (t) => {
  for (const [says, at] of [
    [1_800_000_000_000.75, 1_800_000_000_000],
    [1_799_999_999_999.25, 1_799_999_999_999],
    [-0.5, 0],
    [-1e15, 0],
    [epochMsMax + 0.5, epochMsMax],
    [1e300, epochMsMax],
    [Number.POSITIVE_INFINITY, epochMsMax],
    [Number.NaN, 0],
  ] as const) {
    const entry = entryOf(recordAt(says));
    t.equal(entry.wall.at, at, String(says));
    t.equal(entry.tableAgeMs, at - compiledAt);
    t.same(atSite(entry), { ok: true, value: { entries: [entry] } }, String(says));
  }
  t.end();
});

t.test("an entry of before, with a fraction in its times, holds no journal up", (t) => {
  const wall = { at: epochMs(1_800_000_000_000.75), quality: "trusted" } as const;
  const entry = entryOf({ ...recordAt(0), wall, tableAgeMs: 0.75 });
  t.same(atSite(entry), { ok: true, value: { entries: [entry] } });
  t.end();
});
