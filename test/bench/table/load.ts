// `load.ts SUBJECT FOLDER PASSES` loads a table from its files, has one presentation decided and says
// how long both took together: code is loaded already, but has never run.
import { requestSource } from "../decision/world.ts";
import { subjectNamed } from "./subjects.ts";

export interface Loaded {
  readonly readyMs: number;
  /** The most memory that the process has had resident at any time, code included. */
  readonly peakBytes: number;
}

const [subject = "", folder = "", passWord = ""] = process.argv.slice(2);
const passCount = Number(passWord);
const load = await subjectNamed(subject);
const request = requestSource(passCount, 1)();
const startedAt = performance.now();
const table = await load(folder, passCount);
table.decide(request);
const loaded: Loaded = {
  readyMs: performance.now() - startedAt,
  peakBytes: process.resourceUsage().maxRSS * 1_024,
};
await table.close();
process.stdout.write(JSON.stringify(loaded));
