import { statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { journalLimits } from "../../../src/controller/journal-limits.ts";
import { openJournal } from "../../../src/controller/open-journal.ts";
import { chainStart, verifyChain } from "../../../src/protocols/sync/journal-chain.ts";
import {
  alarm,
  committed,
  controller,
  counts,
  denial,
  readAll,
  record,
  temporaryFolder,
} from "./journal-records.ts";

t.setTimeout(240_000);

const { unacknowledgedMax, queuedMax, keptMax } = journalLimits;
const bytesPerEntryMax = 400;

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

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
  for (const lost of [denial, denial, alarm, record(0)]) journal.append(lost);
  t.match(journal.status(), {
    highest: unacknowledgedMax,
    queuedCount: queuedMax,
    lostCount: 4,
    troubles: ["journal_full", "journal_overflow"],
  });
  t.equal(clock.alarmCount, 0, "it waits for the site, not for a timer");

  const acknowledged = 60_000;
  journal.acknowledge(acknowledged);
  await committed(journal, last + 1);
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
    lostCount: 4,
    lostDenialCount: 2,
    lostAlarmCount: 1,
  });
  const anchor = {
    journal: again.id() ?? "",
    number: (oldest?.number ?? 0) - 1,
    hash: oldest?.previous ?? chainStart,
  };
  t.ok(verifyChain(entries, anchor).ok, "in one chain");

  again.acknowledge(last + 1);
  for (let count = last + 2; count <= last + 200; count += 1) {
    again.append(record(count));
    await committed(again, count);
  }
  const kept = await readAll(again);
  t.ok(kept.length >= keptMax && kept.length < 2 * keptMax, "the newest stay readable here");
  await again.close();
});
