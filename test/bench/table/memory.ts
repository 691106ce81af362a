// `memory.ts SUBJECT FOLDER PASSES DECISIONS` loads a table, has so many presentations decided and says
// how much memory the process has resident then.
import { requestSource } from "../decision/world.ts";
import { residentBytes } from "../resident-memory.ts";
import { subjectNamed } from "./subjects.ts";

export interface Resident {
  readonly bytes: number;
}

const [subject = "", folder = "", ...counts] = process.argv.slice(2);
const [passCount = 0, decisionCount = 0] = counts.map(Number);
const load = await subjectNamed(subject);
const table = await load(folder, passCount);
const next = requestSource(passCount, 2);
// A file's pages come in when they are asked for.
for (let index = 0; index < decisionCount; index += 1) table.decide(next());
const resident: Resident = { bytes: await residentBytes() };
await table.close();
process.stdout.write(JSON.stringify(resident));
