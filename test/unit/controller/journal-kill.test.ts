import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { Seeded } from "../../../hal/sim/seeded.ts";
import { JournalDatabase } from "../../../src/controller/journal-database.ts";
import { journalLimits } from "../../../src/controller/journal-limits.ts";
import { chainStart, verifyChain } from "../../../src/protocols/sync/journal-chain.ts";
import { linesOf, noLimits, startOnFullDisk } from "./full-disk.ts";
import { controller, counts, temporaryFolder } from "./journal-records.ts";

t.setTimeout(300_000);

const writer = fileURLToPath(new URL("journal-writer.ts", import.meta.url));
const killCount = 20;

const given = process.env["POSTERN_SEED"];
const seed = given === undefined ? Date.now() % 2 ** 31 : Number(given);

t.test(
  `killed ${killCount} times, the journal has every entry it called durable (seed ${seed})`,
  async (t) => {
    const file = join(temporaryFolder(t), "journal.db");
    const seeded = new Seeded(seed);
    let durable = 0;
    let journal: string | undefined;
    for (let kill = 1; kill <= killCount; kill += 1) {
      const child = spawn(process.execPath, ["--import", "tsx", writer, file], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const gone = once(child, "exit");
      let left = seeded.between(1, 40);
      for await (const line of linesOf(child)) {
        durable = Math.max(durable, Number(/^durable ([0-9]+)$/.exec(line)?.[1] ?? 0));
        left -= 1;
        // Lines that are still in the pipe were durable as well: the loop reads them to the end.
        if (left === 0) child.kill("SIGKILL");
      }
      await gone;
      const database = new JournalDatabase({ file, controller, limits: journalLimits });
      const { highest } = database.onDisk();
      if (highest < durable) t.fail(`kill ${kill}: ${durable} was durable and ${highest} is there`);
      t.equal(database.journal, journal ?? database.journal, "it is still the same journal");
      journal = database.journal;
      const entries = database.read(0, highest + 1);
      const chain = verifyChain(entries, { journal, number: 0, hash: chainStart });
      t.ok(chain.ok, `kill ${kill}: ${highest} entries in one chain`);
      const expected = Array.from({ length: highest }, (_, index) => index + 1);
      t.same(counts(entries), expected, "in the order in which they happened");
      database.close();
    }
  },
);

t.test(
  "a disk that takes no more loses nothing once it takes more",
  { skip: noLimits },
  async (t) => {
    const file = join(temporaryFolder(t), "journal.db");
    const child = startOnFullDisk(1_000, writer, file, "6000");
    const gone = once(child, "exit");
    const said: string[] = [];
    for await (const line of linesOf(child)) {
      said.push(line);
      if (line !== "raised journal_failing") continue;
      t.ok(statSync(`${file}-wal`).size <= 1_024_000);
      spawnSync("prlimit", ["--pid", String(child.pid), "--fsize=unlimited"]);
    }
    t.same(await gone, [0, null]);
    const troubles = said.filter((line) => line.includes("journal_"));
    t.same([...new Set(troubles)], ["raised journal_failing", "cleared journal_failing"]);
    const database = new JournalDatabase({ file, controller, limits: journalLimits });
    const expected = Array.from({ length: 6_000 }, (_, index) => index + 1);
    t.same(counts(database.read(0, 10_000)), expected);
    database.close();
  },
);
