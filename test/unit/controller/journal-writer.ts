import { openJournal } from "../../../src/controller/open-journal.ts";
import { committed, controller, record, systemClock } from "./journal-records.ts";

/*
 * A process to be killed: goes on with the journal where it is, in bursts, and says what became
 * durable. `node journal-writer.ts FILE [COUNT]` ends by itself after COUNT entries.
 */
const [file = "", countMax = "Infinity"] = process.argv.slice(2);
const journal = await openJournal({ file, controller, clock: systemClock });
journal.reportTroubles({
  raise: (trouble) => console.log(`raised ${trouble}`),
  clear: (trouble) => console.log(`cleared ${trouble}`),
});
journal.onCommitted((highest) => console.log(`durable ${highest}`));
console.log(`durable ${journal.highest()}`);
for (let count = journal.highest() + 1; count <= Number(countMax); ) {
  const burstEnd = Math.min(count + (count % 17), Number(countMax));
  for (; count <= burstEnd; count += 1) journal.append(record(count));
  await committed(journal, burstEnd - 20);
}
await committed(journal, Number(countMax));
await journal.close();
