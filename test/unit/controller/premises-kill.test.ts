import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { openPremisesStore } from "../../../src/controller/open-premises-store.ts";
import { passId } from "../../../src/domain/ids.ts";
import { linesOf, noLimits, startOnFullDisk } from "./full-disk.ts";
import { systemClock, temporaryFolder } from "./journal-records.ts";
import { TroubleList } from "./premises-changes.ts";

t.setTimeout(300_000);

const writer = fileURLToPath(new URL("premises-writer.ts", import.meta.url));
const killCount = 12;
const seed = seedFor(process.env["POSTERN_SEED"]);

const found = (file: string, isFirstStart: boolean) => {
  const troubles = new TroubleList();
  return openPremisesStore({ file, clock: systemClock, troubles, isFirstStart });
};

t.test(
  `killed ${killCount} times, no use that was granted comes back (seed ${seed})`,
  async (t) => {
    const file = join(temporaryFolder(t), "premises.log");
    const seeded = new Seeded(seed);
    const granted = new Map<string, number>();
    for (let kill = 1; kill <= killCount; kill += 1) {
      const child = spawn(process.execPath, ["--import", "tsx", writer, file], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const gone = once(child, "exit");
      let left = seeded.between(1, 400);
      for await (const line of linesOf(child)) {
        const [, name = "", use] = /^granted (p[0-9]) ([0-9]+)$/.exec(line) ?? [];
        if (use !== undefined) granted.set(name, Number(use));
        else t.equal(line, "open");
        left -= 1;
        // Lines that are still in the pipe were granted as well: the loop reads them to the end.
        if (left === 0) child.kill("SIGKILL");
      }
      await gone;
      // From the first use that was granted the file is there to be found.
      const store = await found(file, granted.size === 0);
      t.same(store.damages(), []);
      for (const [name, count] of granted) {
        const spent = store.memory.spent(passId(name));
        // One more may be on disk than the process lived to grant.
        t.ok(
          spent === count || spent === count + 1,
          `kill ${kill}: ${name} ${count}, ${spent} found`,
        );
      }
      await store.close();
    }
  },
);

t.test(
  "on a full disk uses are denied, and no line is half there",
  { skip: noLimits },
  async (t) => {
    const file = join(temporaryFolder(t), "premises.log");
    const child = startOnFullDisk(100, writer, file, "3000");
    const gone = once(child, "exit");
    const said: string[] = [];
    for await (const line of linesOf(child)) said.push(line);
    t.same(await gone, [0, null]);
    const granted = said.filter((line) => line.startsWith("granted p1")).length;
    t.equal(granted, 3_000);
    const troubles = said.filter((line) => line.includes("premises_"));
    t.same(troubles.slice(0, 2), ["raised premises_failing", "cleared premises_failing"]);
    const store = await found(file, false);
    t.equal(store.memory.spent(passId("p1")), 3_000);
    t.same(store.damages(), []);
    await store.close();
  },
);
