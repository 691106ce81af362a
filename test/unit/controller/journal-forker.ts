import { JournalDatabase } from "../../../src/controller/journal-database.ts";
import { journalLimits } from "../../../src/controller/journal-limits.ts";
import { controller, counts, record } from "./journal-records.ts";

/*
 * A process to be killed: goes on with the journal where it is, begins it anew at its third entry
 * again and again, and says from which record to which is in it. `node journal-forker.ts FILE`.
 */
const [file = ""] = process.argv.slice(2);
const database = new JournalDatabase({ file, controller, limits: journalLimits });
const there = counts(database.read(0, 1_000));
let first = there.at(0) ?? 1;
let last = there.at(-1) ?? 0;
const say = () => console.log(`holds ${first} ${last}`);
for (;;) {
  const written = Array.from({ length: last - first < 300 ? 40 : 2 }, (_, at) => last + at + 1);
  database.write(written.map(record), 0);
  last = written.at(-1) ?? last;
  say();
  database.beginAnew(3);
  first += 2;
  say();
}
