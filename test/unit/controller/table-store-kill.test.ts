import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import type { TableMark } from "../../../src/domain/table-change.ts";
import { isNewer } from "../../../src/protocols/sync/table-order.ts";
import { linesOf, noLimits, startOnFullDisk } from "./full-disk.ts";
import { temporaryFolder } from "./journal-records.ts";
import { markOf } from "./paper-site.ts";
import { isWhole, openHere, tableOf } from "./table-store-rig.ts";

const writer = fileURLToPath(new URL("table-store-writer.ts", import.meta.url));
const killCount = Number(process.env["POSTERN_KILLS"] ?? 10);
t.setTimeout(240_000 + killCount * 20_000);
const seed = seedFor(process.env["POSTERN_SEED"]);

function markIn(line: string): TableMark | undefined {
  const [, epoch, version] = /^in force ([0-9]+) ([0-9]+)$/.exec(line) ?? [];
  return epoch === undefined ? undefined : markOf(Number(epoch), Number(version));
}

t.test(
  `killed ${killCount} times, a whole table is found and none older (seed ${seed})`,
  async (t) => {
    const folder = join(temporaryFolder(t), "table");
    const seeded = new Seeded(seed);
    let promised: TableMark | undefined;
    for (let kill = 1; kill <= killCount; kill += 1) {
      const arguments_ = ["--import", "tsx", writer, folder, String(seed + kill)];
      const child = spawn(process.execPath, arguments_, { stdio: ["ignore", "pipe", "inherit"] });
      const gone = once(child, "exit");
      let left = seeded.between(1, 120);
      for await (const line of linesOf(child)) {
        const mark = markIn(line);
        if (mark !== undefined) promised = mark;
        // A snapshot is noted before it is stored, and takes the place of what deltas are for.
        else t.match(line, /^damaged .* was accepted$|^refused another table is in force$/);
        left -= 1;
        if (left !== 0) continue;
        // Lines that are still in the pipe were in force as well: the loop reads them to the end.
        await wait(seeded.between(0, 20));
        child.kill("SIGKILL");
      }
      await gone;
      const store = await openHere(folder);
      const table = tableOf(store);
      const isOlder = promised === undefined || isNewer(promised, table.mark);
      t.notOk(isOlder, `kill ${kill}: ${table.mark.epoch}.${table.mark.version} is found`);
      t.ok(isWhole(table));
      promised = table.mark;
      await store.close();
    }
  },
);

t.test(
  "on a full disk the table in force stays; with room it goes on",
  { skip: noLimits },
  async (t) => {
    const folder = join(temporaryFolder(t), "table");
    // A register has 8 KiB; a log that has grown to more is full.
    const child = startOnFullDisk(8, writer, folder, String(seed), "700");
    const gone = once(child, "exit");
    const said: string[] = [];
    for await (const line of linesOf(child)) {
      said.push(line);
      if (!line.startsWith("refused")) continue;
      spawnSync("prlimit", ["--pid", String(child.pid), "--fsize=unlimited"]);
    }
    t.same(await gone, [0, null]);
    t.ok(
      said.some((line) => line.startsWith("refused EFBIG")),
      "it was full",
    );
    const marks = said.flatMap((line) => markIn(line) ?? []);
    const isRising = marks.every((mark, index) => {
      const before = marks[index - 1];
      return before === undefined || !isNewer(before, mark);
    });
    t.ok(isRising, "no table came back");
    const store = await openHere(folder);
    t.same(tableOf(store).mark, marks.at(-1));
    t.ok(isWhole(tableOf(store)));
    t.same(store.damages(), []);
    await store.close();
  },
);
