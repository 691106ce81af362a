import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { PaperPremisesDisk } from "./paper-premises.ts";
import { ada, entered, front, spent, visit } from "./premises-changes.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

t.test("a paper disk keeps what was written, and loses at a cut what was not", async (t) => {
  const clock = new SimClock();
  const disk = new PaperPremisesDisk();
  const store = disk.open(clock);
  await store.commit([spent(1), entered(ada)]);
  store.keep([spent(2)]);
  t.equal(store.memory.spent(visit), 2);
  const again = disk.open(clock);
  await turn();
  t.equal(again.memory.spent(visit), 1);
  t.equal(again.memory.whereabouts(ada)?.area, "lab");
  again.takeBack(visit);
  again.takeBack(visit);
  await turn();
  t.equal(disk.records.get("spent/visit"), "0");
});

t.test("a paper disk that hangs is waited for as long as a real one, and no longer", async (t) => {
  const clock = new SimClock();
  const disk = new PaperPremisesDisk();
  const store = disk.open(clock);
  disk.state = "hangs";
  const refused = t.rejects(store.commit([spent(1)]), { name: "HalError", kind: "io" });
  await turn();
  clock.advance(2_000);
  await refused;
  await t.rejects(store.commit([spent(2)]), "nobody waits for a disk that is known to hang");
  disk.works();
  await turn();
  await store.commit([spent(3)]);
  t.equal(disk.records.get("spent/visit"), "3");
});

t.test("nothing of a paper disk's dead process ticks or writes", async (t) => {
  const clock = new SimClock();
  const disk = new PaperPremisesDisk();
  const store = disk.open(clock);
  disk.state = "hangs";
  let told = "nothing";
  store
    .commit([
      { kind: "posture", door: front, state: { toggledBy: visit }, afterRestart: "remember" },
    ])
    .then(
      () => (told = "durable"),
      () => (told = "refused"),
    );
  await turn();
  disk.powerCut();
  disk.works();
  clock.advance(60_000);
  await turn();
  t.equal(told, "nothing");
  t.equal(disk.records.size, 0);
});
