import { setImmediate as nextTurn } from "node:timers/promises";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { PremisesPruning } from "../../../src/controller/premises-pruning.ts";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { userId } from "../../../src/domain/ids.ts";
import { tableContent, testHashKey, user } from "../core/sample-table.ts";
import { PaperPremisesDisk } from "./paper-premises.ts";
import { entered, lab } from "./premises-changes.ts";

function crowded(count: number) {
  const premises = new PaperPremisesDisk().open(new SimClock());
  premises.keep(Array.from({ length: count }, (_, number) => entered(userId(`u${number}`))));
  return premises;
}

const tableOf = (users: readonly string[]) =>
  buildAccessTable(tableContent({ users: users.map((id) => user(id)) }), testHashKey);

t.test("whom a new table lacks is in no area any more", async (t) => {
  const premises = crowded(10);
  new PremisesPruning(premises).prune(tableOf(["u3", "u4"]));
  t.equal(premises.memory.occupancy(lab), 2);
});

t.test("of many it is found out over many turns, and the doors have theirs", async (t) => {
  const premises = crowded(5_000);
  new PremisesPruning(premises).prune(tableOf(["u3"]));
  t.equal(premises.memory.occupancy(lab), 5_000, "nobody was kept waiting for it");
  let turns = 0;
  while (premises.memory.occupancy(lab) > 1 && turns < 100) {
    await nextTurn();
    turns += 1;
  }
  t.equal(premises.memory.occupancy(lab), 1);
  t.ok(turns >= 5, `${turns} turns`);
});

t.test("whoever a later table has again is not forgotten", async (t) => {
  const premises = crowded(5_000);
  const pruning = new PremisesPruning(premises);
  pruning.prune(tableOf([]));
  pruning.prune(tableOf(Array.from({ length: 5_000 }, (_, number) => `u${number}`)));
  for (let turn = 0; turn < 50; turn += 1) await nextTurn();
  t.equal(premises.memory.occupancy(lab), 5_000);
});

t.test("whom a delta takes away is forgotten at once, and nobody else", async (t) => {
  const premises = crowded(10);
  new PremisesPruning(premises).forget([
    { kind: "user_gone", user: userId("u3") },
    { kind: "user_gone", user: userId("nobody") },
  ]);
  t.equal(premises.memory.occupancy(lab), 9);
});
