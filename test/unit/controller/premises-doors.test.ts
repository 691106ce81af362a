import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import type { DoorSettings } from "../../../src/domain/access.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { cardPass, testHashKey } from "../core/sample-table.ts";
import { site } from "./door-people.ts";
import { adaBits, front, lab, open } from "./door-rig.ts";

const ada = (options: Parameters<typeof cardPass>[3]) => ({
  passes: [cardPass("ada-card", "ada", rawFromBits(adaBits), options)],
});

/** Ada's card keeps the front door unlocked until it is shown again. */
function withToggle(afterRestart: DoorSettings["afterRestart"], version: number) {
  const content = site({ front: { afterRestart } }, ada({ traits: ["toggle"] }));
  return { ...content, table: { ...content.table, version } };
}

t.test("a door that is to forget is locked after a restart, whatever it was before", async (t) => {
  const world = open(withToggle("remember", 1));
  await world.tap(front.reader, adaBits);
  await world.clock.elapse(10_000);
  world.controller.setTable(buildAccessTable(withToggle("forget", 2), testHashKey));
  await world.clock.elapse(1_000);
  t.equal(world.strikes()[0], "released", "it forgets at a restart, and not before");
  world.close();
  const restarted = open(withToggle("forget", 2), world);
  await restarted.clock.elapse(1_000);
  t.equal(restarted.strikes()[0], "secured");
});

t.test(
  "a door whose table is late is locked until the table says what is remembered",
  async (t) => {
    const world = open(withToggle("remember", 1));
    await world.tap(front.reader, adaBits);
    await world.clock.elapse(10_000);
    t.equal(world.strikes()[0], "released");
    world.close();
    const restarted = open(undefined, world);
    await restarted.clock.elapse(1_000);
    t.equal(restarted.strikes()[0], "secured");
    restarted.controller.setTable(buildAccessTable(withToggle("remember", 1), testHashKey));
    await restarted.clock.elapse(1_000);
    t.equal(restarted.strikes()[0], "released");
  },
);

t.test("so it is where the power was cut before its records had heard of it", async (t) => {
  const world = open(withToggle("remember", 1));
  await world.tap(front.reader, adaBits);
  await world.clock.elapse(10_000);
  world.disk.powerCut();
  world.close();
  const restarted = open(withToggle("forget", 2), world);
  await restarted.clock.elapse(1_000);
  t.equal(restarted.strikes()[0], "secured");
  restarted.disk.powerCut();
  restarted.close();
  const again = open(withToggle("remember", 3), restarted);
  await again.clock.elapse(1_000);
  t.equal(again.strikes()[0], "secured", "what was forgotten stays forgotten");
});

t.test(
  "a use that a slow disk cost nobody is the next one's, and no number comes twice",
  async (t) => {
    const world = open(site({}, ada({ usesMax: 3 })));
    world.disk.state = "hangs";
    await world.tap(front.reader, adaBits);
    await world.clock.elapse(1_000);
    await world.tap(lab.reader, adaBits);
    await world.clock.elapse(1_000);
    t.match(world.events, [{ kind: "access_denied", door: "front", reason: "use_not_recorded" }]);
    world.disk.works();
    await world.clock.elapse(100);
    t.match(world.events.at(-1), { kind: "access_granted", door: "lab", use: 1 });
    for (const use of [2, 3]) {
      await world.clock.elapse(15_000);
      await world.tap(front.reader, adaBits);
      t.match(world.events.at(-1), { kind: "access_granted", door: "front", use });
    }
    await world.clock.elapse(15_000);
    await world.tap(front.reader, adaBits);
    t.match(world.events.at(-1), { kind: "access_denied", reason: "over_limit" });
  },
);
