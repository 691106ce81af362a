import { copyFileSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import t, { type Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { JournalDatabase } from "../../../src/controller/journal-database.ts";
import { journalLimits } from "../../../src/controller/journal-limits.ts";
import { openJournal } from "../../../src/controller/open-journal.ts";
import type { JournalRecord } from "../../../src/domain/event.ts";
import { chainStart, verifyChain } from "../../../src/protocols/sync/journal-chain.ts";
import {
  alarm,
  committed,
  controller,
  counts,
  denial,
  limits,
  range,
  readAll,
  record,
  temporaryFolder,
} from "./journal-records.ts";

t.setTimeout(240_000);

const { unacknowledgedMax, queuedMax, keptMax } = journalLimits;
const bytesPerEntryMax = 400;

t.test(`a site that is away for ${unacknowledgedMax} entries finds every one`, async (t) => {
  const file = join(temporaryFolder(t), "journal.db");
  const clock = new SimClock();
  const options = { file, controller, clock };
  const journal = await openJournal(options);
  const troubles: string[] = [];
  const full = new Promise<void>((resolve) => {
    journal.reportTroubles({
      raise: (trouble) => {
        troubles.push(`+${trouble}`);
        if (trouble === "journal_full") resolve();
      },
      clear: (trouble) => troubles.push(`-${trouble}`),
    });
  });
  for (let count = 1; count <= unacknowledgedMax; ) {
    const end = count + 4_999;
    for (; count <= end; count += 1) journal.append(record(count));
    await committed(journal, end);
  }
  t.same(troubles, [], "as many as it says are held");
  const bytesPerEntry = statSync(file).size / unacknowledgedMax;
  t.comment(`${Math.round(bytesPerEntry)} bytes on disk an entry`);
  t.ok(bytesPerEntry < bytesPerEntryMax);

  const last = unacknowledgedMax + queuedMax;
  for (const count of range(unacknowledgedMax + 1, last)) journal.append(record(count));
  await full;
  for (const lost of [denial, denial, record(0)]) journal.append(lost);
  journal.append(alarm);
  await committed(journal, unacknowledgedMax + 1);
  t.match(journal.status(), {
    highest: unacknowledgedMax + 1,
    queuedCount: queuedMax,
    lostCount: 3,
    troubles: ["journal_full", "journal_overflow"],
  });
  t.equal(clock.alarmCount, 1, "it waits for the site; a timer counts what waits");

  const acknowledged = 60_000;
  journal.acknowledge(acknowledged);
  await committed(journal, last + 2);
  t.same(journal.status().troubles, []);
  await journal.close();

  const again = await openJournal(options);
  t.equal(again.acknowledged(), acknowledged);
  const entries = await readAll(again);
  const [oldest] = entries;
  const isFromAcknowledged = (oldest?.number ?? 0) > 1 && (oldest?.number ?? 0) <= acknowledged;
  t.ok(isFromAcknowledged, "room was made by what the site has, the oldest first");
  t.same(counts(entries), range(oldest?.number ?? 0, last), "and by nothing else, in order");
  t.same(entries.at(-1)?.event, {
    kind: "journal_overflow",
    lostCount: 3,
    lostDenialCount: 2,
    lostAlarmCount: 0,
  });
  const anchor = {
    journal: again.id() ?? "",
    number: (oldest?.number ?? 0) - 1,
    hash: oldest?.previous ?? chainStart,
  };
  t.ok(verifyChain(entries, anchor).ok, "in one chain");

  again.acknowledge(last + 2);
  for (let count = last + 3; count <= last + 200; count += 1) {
    again.append(record(count));
    await committed(again, count);
  }
  const kept = await readAll(again);
  t.ok(kept.length >= keptMax && kept.length < 2 * keptMax, "the newest stay readable here");
  await again.close();
});

const small = limits({ unacknowledgedMax: 50, alarmsReservedMax: 3, queuedMax: 20 });

/** Full on disk, with `waiting` in memory beside. */
async function fullJournal(t: Test, waiting: readonly JournalRecord[]) {
  const options = {
    file: join(temporaryFolder(t), "journal.db"),
    controller,
    clock: new SimClock(),
  };
  const journal = await openJournal({ ...options, limits: small });
  for (let end = 10; end <= 50; end += 10) {
    for (const count of range(end - 9, end)) journal.append(record(count));
    await committed(journal, end);
  }
  const full = new Promise<void>((resolve) => {
    journal.reportTroubles({
      raise: (trouble) => trouble === "journal_full" && resolve(),
      clear: () => undefined,
    });
  });
  for (const each of waiting) journal.append(each);
  await full;
  return { journal, options };
}

t.test(
  "an alarm is on disk although somebody has filled the journal with unknown cards",
  async (t) => {
    const { journal } = await fullJournal(
      t,
      Array.from({ length: 15 }, () => denial),
    );
    journal.append(alarm);
    await committed(journal, 51);
    t.same((await readAll(journal)).at(-1)?.event, alarm.event);
    t.equal(journal.status().queuedCount, 15, "and the others wait for the site");
    for (let count = 0; count < 8; count += 1) journal.append(alarm);
    await committed(journal, 53);
    t.match(journal.status(), { highest: 53, lostCount: 0 }, "there is an end to that room too");
    journal.acknowledge(53);
    await committed(journal, 53 + 15 + 6);
    t.same(journal.status().troubles, []);
    const kinds = (await readAll(journal)).slice(50).map(({ event }) => event.kind);
    t.equal(kinds.filter((kind) => kind === "door_forced").length, 9);
    t.equal(kinds.filter((kind) => kind === "access_denied").length, 15);
    await journal.close();
  },
);

t.test("what a full journal kept waiting is counted in the next life, and once", async (t) => {
  const crowd = Array.from({ length: 18 }, () => denial);
  const { journal, options } = await fullJournal(t, crowd);
  for (let count = 0; count < 6; count += 1) journal.append(denial);
  for (let count = 0; count < 4; count += 1) journal.append(alarm);
  await committed(journal, 53);
  await journal.close();
  for (let life = 2; life <= 4; life += 1) {
    const idle = await openJournal({ ...options, limits: small });
    idle.append(denial);
    await idle.close();
  }
  const last = await openJournal({ ...options, limits: small });
  last.acknowledge(53);
  last.append(record(99));
  await committed(last, 55);
  const entries = (await readAll(last)).slice(53);
  t.same(entries[0]?.event, {
    kind: "journal_overflow",
    lostCount: 28,
    lostDenialCount: 27,
    lostAlarmCount: 1,
  });
  t.same(counts(entries), [99]);
  await last.close();
  const after = await openJournal({ ...options, limits: small });
  after.append(record(100));
  await committed(after, 56);
  t.same(counts(await readAll(after)).slice(-2), [99, 100], "told once");
  await after.close();
});

t.test("what waits in a full journal is counted on disk within ten seconds", async (t) => {
  const { journal, options } = await fullJournal(t, [denial]);
  for (let count = 0; count < 7; count += 1) journal.append(denial);
  await Promise.resolve();
  options.clock.advance(10_000);
  // Answered after what was sent before it.
  await journal.read({ after: 0, limit: 1 });
  const copy = join(temporaryFolder(t), "journal.db");
  for (const suffix of ["", "-wal"]) copyFileSync(`${options.file}${suffix}`, `${copy}${suffix}`);
  const found = await openJournal({ ...options, file: copy, limits: small });
  found.acknowledge(50);
  found.append(record(99));
  await committed(found, 52);
  t.match((await readAll(found))[50]?.event, { lostCount: 8, lostDenialCount: 8 });
  await found.close();
  await journal.close();
});

t.test("a count on disk that nobody can read is not told, and holds up nothing", async (t) => {
  for (const tally of ["", "null", "7", "{}", '{"count":-1,"denialCount":0,"alarmCount":0}']) {
    const file = join(temporaryFolder(t), "journal.db");
    const worker = { file, controller, limits: small };
    new JournalDatabase(worker).close();
    const sqlite = new Database(file);
    sqlite.prepare("INSERT INTO waiting VALUES (?)").run(tally);
    sqlite.close();
    const database = new JournalDatabase(worker);
    t.equal(database.waiting(), undefined, tally);
    t.equal(database.write([record(1)], 0), 1);
    database.close();
  }
});
