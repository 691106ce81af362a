import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import { Seeded } from "../../../hal/sim/seeded.ts";
import { openFiledTableStore } from "../../../src/controller/filed-table-store.ts";
import { createTableRunner } from "../../../src/controller/table-runner.ts";
import { deltasFrom, markOf, owner, snapshotAt } from "./paper-site.ts";
import { fetch } from "./table-store-rig.ts";

/*
 * A process to be killed: goes on with the store where it is, with deltas, folds and snapshots at
 * once, and says which table is in force. `node table-store-writer.ts FOLDER SEED [VERSION]` ends by
 * itself once that version is in force.
 */
const [folder = "", seed = "1", until = "Infinity"] = process.argv.slice(2);
const seeded = new Seeded(Number(seed), "writer");
const clock = createSystemClock({ quality: () => "trusted" });
// In threads, however little there is to do.
const run = createTableRunner(clock, -1);
const store = await openFiledTableStore({ folder, owner, run, clock });
for (const { file, detail } of store.damages()) console.log(`damaged ${file}: ${detail}`);

function say(): void {
  const mark = store.table()?.mark;
  if (mark !== undefined) console.log(`in force ${mark.epoch} ${mark.version}`);
}

async function append(): Promise<void> {
  const from = store.table()?.mark;
  if (from === undefined) return;
  const deltas = deltasFrom(from, seeded.between(1, 3));
  const appended = await store.append(deltas);
  if (!appended.ok) return console.log(`refused ${appended.fault.message}`);
  for (const delta of deltas) if (store.table()?.apply(delta).ok !== true) console.log("a mistake");
  say();
}

async function replace(): Promise<void> {
  if (store.table() !== undefined && seeded.chance(0.6)) {
    const folded = await store.fold();
    if (!folded.ok) console.log(`not folded ${folded.fault.message}`);
  } else {
    const { epoch, version } = store.newestAccepted() ?? markOf(1, 0);
    const mark = seeded.chance(0.3) ? markOf(epoch + 1, 0) : markOf(epoch, version + 3);
    const fetched = await fetch(store, snapshotAt(mark));
    if (!fetched.ok && fetched.fault !== "older") console.log(`not fetched ${fetched.fault}`);
  }
  say();
}

say();
while (store.table() === undefined) await replace();
let isReplacing = false;
while ((store.table()?.mark.version ?? 0) < Number(until)) {
  if (!isReplacing) {
    isReplacing = true;
    void replace().finally(() => {
      isReplacing = false;
    });
  }
  await append();
}
await store.close();
