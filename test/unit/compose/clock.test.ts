import { statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { createClock } from "../../../src/compose/clock.ts";
import { temporaryFolder } from "../controller/journal-records.ts";

t.test("the machine's clock is believed as its file says, and leaves a floor behind", async (t) => {
  const stateDir = temporaryFolder(t);
  const clock = createClock({ clockRule: "trusted", stateDir });
  await clock.start();
  const before = Date.now();
  const { at, quality } = clock.wall();
  const after = Date.now();
  t.equal(quality, "trusted");
  t.ok(at > before - 1_000 && at < after + 1_000, `${at} between ${before} and ${after}`);
  await clock.close();
  t.equal(statSync(join(stateDir, "clock.floor")).mode & 0o777, 0o600);
});

t.test("a clock that nobody may believe is not believed, whoever vouches for it", async (t) => {
  const clock = createClock({ clockRule: "unknown", stateDir: temporaryFolder(t) });
  await clock.start();
  t.equal(clock.wall().quality, "unknown");
  await clock.close();
});
