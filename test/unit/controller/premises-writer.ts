import { openPremisesStore } from "../../../src/controller/open-premises-store.ts";
import { passId } from "../../../src/domain/ids.ts";
import { systemClock } from "./journal-records.ts";
import { entered, spent, TroubleList } from "./premises-changes.ts";

/*
 * A process to be killed: goes on spending uses where its premises are, several at a time, and says
 * which were granted. `node premises-writer.ts FILE [COUNT]` ends by itself after COUNT uses.
 */
const [file = "", countMax = "Infinity"] = process.argv.slice(2);
const troubles = new TroubleList((text) => console.log(text));
const store = await openPremisesStore({ file, clock: systemClock, troubles, isFirstStart: true });
for (const damage of store.damages()) console.log(`damaged ${damage}`);

async function spend(name: string): Promise<void> {
  const pass = passId(name);
  while (store.memory.spent(pass) < Number(countMax)) {
    const use = store.memory.spent(pass) + 1;
    try {
      await store.commit([spent(use, pass), entered()]);
      console.log(`granted ${name} ${use}`);
    } catch {
      store.takeBack(pass);
      console.log(`denied ${name}`);
    }
  }
}

console.log("open");
await Promise.all(["p1", "p2", "p3"].map(spend));
await store.close();
