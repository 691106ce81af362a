import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { StartRefused } from "../../../src/compose/start-refused.ts";
import { SupervisedPart } from "../../../src/compose/supervisor.ts";
import { Watched } from "./link-conditions.ts";

/** Of one process of the part after the other; the last serves for those after it, too. */
type Life = "serves" | "ends before it serves";

function supervised(t: Test, lives: readonly Life[]) {
  const folder = mkdtempSync(join(tmpdir(), "postern-part-"));
  const program = join(folder, "part.mjs");
  writeFileSync(
    program,
    `import { appendFileSync, readFileSync } from "node:fs";
    appendFileSync(process.argv[2], ".");
    const number = readFileSync(process.argv[2], "utf8").length;
    const lives = ${JSON.stringify(lives)};
    if ((lives[number - 1] ?? lives.at(-1)) !== "serves") process.exit(3);
    process.send({ ready: { number: String(number) } });
    setInterval(() => {}, 60_000);`,
  );
  const pids: number[] = [];
  const ends = new Watched<string>();
  const part = new SupervisedPart(
    { name: "door", args: [join(folder, "lives")] },
    {
      program,
      env: {},
      onStarted: (_, pid) => pids.push(pid),
      onKilled: () => t.fail("it stops when it is asked to"),
      onEnded: (_, how, restartInMs) => ends.tell(`${how}, again in ${restartInMs} ms`),
    },
  );
  t.teardown(async () => {
    await part.stop();
    rmSync(folder, { recursive: true });
  });
  return { part, pids, ends };
}

t.test(
  "a part that ends before it ever served refuses the start, and is left at that",
  async (t) => {
    const { part, pids, ends } = supervised(t, ["ends before it serves"]);
    await t.rejects(part.start(), new StartRefused("door did not start"));
    t.equal(pids.length, 1);
    t.same(ends.seen, []);
  },
);

t.test(
  "a part that has served is started again each time it ends, and told of once, until it is stopped",
  async (t) => {
    const { part, pids, ends } = supervised(t, [
      "serves",
      "ends before it serves",
      "ends before it serves",
      "serves",
    ]);
    t.same(await part.start(), { number: "1" });
    process.kill(pids[0] ?? Number.NaN, "SIGKILL");
    await ends.atLeast(3);
    await part.stop();
    t.same(ends.seen, [
      "SIGKILL, again in 100 ms",
      "exit code 3, again in 200 ms",
      "exit code 3, again in 400 ms",
    ]);
    t.equal(pids.length, 3, "what was stopped is not started again");
  },
);

t.test("a part that is stopped while it serves ends, and nobody starts it again", async (t) => {
  const { part, pids, ends } = supervised(t, ["serves"]);
  await part.start();
  await part.stop();
  t.throws(() => process.kill(pids[0] ?? Number.NaN, 0), { code: "ESRCH" });
  t.equal(pids.length, 1);
  t.same(ends.seen, []);
});
