import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { area, cardPass, rule, schedule, testHashKey, user } from "../core/sample-table.ts";
import { always, bobBits, chiefBits, site, unlocks, visitorBits } from "./door-people.ts";
import { adaBits, front, lab, open } from "./door-rig.ts";

const adaCounted = cardPass("ada-card", "ada", rawFromBits(adaBits), { usesMax: 9 });
const counted = { passes: [adaCounted, cardPass("bob-card", "bob", rawFromBits(bobBits))] };

/** Ada's use waits for the disk while `meanwhile` happens; then the disk has it. */
async function whileWaiting(
  world: ReturnType<typeof open>,
  meanwhile: () => void | Promise<void>,
): Promise<void> {
  world.disk.state = "hangs";
  await world.tap(front.reader, adaBits);
  t.equal(world.strikes()[0], "secured", "the strike waits");
  await meanwhile();
  world.disk.works();
  await world.clock.elapse(100);
}

t.test("a pass that is taken away while its use is written opens nothing", async (t) => {
  const world = open(site({}, counted));
  await whileWaiting(world, () => {
    const without = site({}, { passes: counted.passes.slice(1) });
    world.controller.setTable(buildAccessTable(without, testHashKey));
  });
  t.equal(world.strikes()[0], "secured");
  t.match(world.events.at(-1), {
    kind: "access_denied",
    user: "ada",
    reason: "unknown_credential",
  });
});

t.test("a table that comes meanwhile takes nobody for somebody else", async (t) => {
  const office = schedule("office", [
    { days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, toMinute: 23 * 60 },
  ]);
  const opens = { ...unlocks("first_person_in"), users: [user("bob").id] };
  const part = { ...counted, rules: [...always, opens], schedules: [office] };
  const world = open(site({}, part));
  await whileWaiting(world, () => {
    const [first, second, ...rest] = site({}, part).users;
    if (first === undefined || second === undefined) throw new Error("nobody");
    const shuffled = { ...site({}, part), users: [second, first, ...rest] };
    world.controller.setTable(buildAccessTable(shuffled, testHashKey));
  });
  t.equal(world.strikes()[0], "released");
  await world.clock.elapse(60_000);
  t.equal(world.strikes()[0], "secured", "Ada is not of those who open the office");
});

t.test("a mantrap whose other leaf opens meanwhile stays shut", async (t) => {
  const world = open(site({ front: { interlock: [doorId("lab")] } }, counted));
  await whileWaiting(world, async () => {
    world.sim.setRex(lab.door, "pressed");
    world.sim.setLeaf(lab.door, "open");
    await world.clock.elapse(500);
  });
  t.equal(world.strikes()[0], "secured");
  t.ok(world.events.some((one) => one.kind === "access_denied" && one.reason === "interlock"));
  world.sim.setLeaf(lab.door, "closed");
  world.sim.setRex(lab.door, "idle");
  await world.clock.elapse(10_000);
  await world.tap(front.reader, adaBits);
  t.match(world.events.at(-1), { kind: "access_granted", use: 1 }, "and her use was given back");
});

t.test("a reader that is tampered with meanwhile admits nobody", async (t) => {
  const world = open(site({ front: { tamper: "deny" } }, counted));
  await whileWaiting(world, async () => {
    world.sim.setAlarm({ kind: "tamper", reader: front.reader }, "raised");
    await world.clock.elapse(500);
  });
  t.match(world.events.at(-1), { kind: "access_denied", reason: "tampered" });
});

t.test("a lockdown that begins meanwhile lets a pass-through pass go on", async (t) => {
  const passes = [{ ...adaCounted, traits: ["pass_through"] as const }];
  const world = open(site({}, { passes }));
  await whileWaiting(world, () => {
    world.controller.override(front.door, { posture: "lockdown", until: "cleared" });
  });
  t.equal(world.strikes()[0], "released");
});

t.test("an escort whose use is not recorded escorts nobody", async (t) => {
  const passes = [
    cardPass("chief-card", "chief", rawFromBits(chiefBits), { usesMax: 9 }),
    cardPass("vic-card", "vic", rawFromBits(visitorBits)),
  ];
  const world = open(site({}, { passes }));
  world.disk.state = "refuses";
  await world.tap(front.reader, chiefBits);
  t.match(world.events.at(-1), { reason: "use_not_recorded", user: "chief" });
  await world.tap(front.reader, visitorBits);
  t.equal(world.strikes()[0], "secured");
  t.notOk(world.kinds().includes("access_granted"));
});

t.test("uses that are written at once keep their numbers, each its own", async (t) => {
  const world = open(site({}, counted));
  world.disk.state = "hangs";
  await world.tap(front.reader, adaBits);
  await world.tap(lab.reader, adaBits);
  world.disk.works();
  await world.clock.elapse(100);
  t.same(
    world.events.flatMap((one) => (one.kind === "access_granted" ? one.use : [])),
    [1, 2],
  );
});

t.test("who hesitates at his door shows a counted card again and is let in again", async (t) => {
  const hall = area("hall", { passback: "hard" });
  const inner = { front: { inside: hall.id }, lab: { inside: hall.id } };
  const world = open(site(inner, { ...counted, areas: [hall] }));
  await world.tap(front.reader, adaBits);
  await world.tap(front.reader, adaBits);
  t.match(world.events.at(-1), { kind: "access_granted", door: "front", use: 2 });
  await world.tap(lab.reader, adaBits);
  t.match(world.events.at(-1), { kind: "access_denied", door: "lab", reason: "passback" });
});

t.test("a door that its site gave up is locked, and fire goes on opening it", async (t) => {
  const settings = { front: { posture: "unlocked", fire: "unlock" } } as const;
  const world = open(site(settings));
  t.equal(world.strikes()[0], "released");
  const [, other] = site().doors;
  if (other === undefined) throw new Error("one door");
  const without = site({}, { doors: [other], rules: [rule("r", ["ada"], ["lab"])] });
  world.controller.setTable(buildAccessTable(without, testHashKey));
  t.equal(world.strikes()[0], "secured");
  world.sim.setAlarm({ kind: "fire" }, "raised");
  await world.clock.elapse(500);
  t.equal(world.strikes()[0], "released");
});

t.test("what was cut or opened before the start is told a second later", async (t) => {
  const before = open(site());
  before.close();
  const world = open(site(), {
    clock: before.clock,
    disk: before.disk,
    found: (sim) => {
      sim.setWire({ kind: "fire" }, "cut");
      sim.setAlarm({ kind: "tamper" }, "raised");
    },
  });
  t.same(world.events, [], "a start tells nothing by itself");
  t.same(world.controller.alarms(), ["tamper"]);
  await world.clock.elapse(2_000);
  t.match(
    world.events.filter(({ kind }) => kind !== "trouble"),
    [
      { kind: "alarm_input_fault", input: "fire", fault: "cut" },
      { kind: "tamper", state: "raised" },
    ],
  );
  t.match(world.controller.inputTroubles(), ["fire_cut"]);
});

t.test(
  "a table that asks for what the board lacks raises a trouble, until it does not",
  async (t) => {
    const world = open(
      site({ lab: { exitReaders: [front.reader, "nowhere" as typeof lab.reader] } }),
    );
    t.match(
      world.events.filter(({ kind }) => kind === "trouble"),
      [{ trouble: "unknown_exit_reader:lab", state: "raised" }],
    );
    world.controller.setTable(buildAccessTable(site(), testHashKey));
    t.match(world.events.at(-1), { trouble: "unknown_exit_reader:lab", state: "cleared" });
  },
);

t.test("a table that gives up a door asks nothing of its board any more", async (t) => {
  const world = open(site({ lab: { exitReaders: ["nowhere" as typeof lab.reader] } }));
  const [kept] = site().doors;
  if (kept === undefined) throw new Error("no door");
  const without = site({}, { doors: [kept], rules: [rule("r", ["ada"], ["front"])] });
  world.controller.setTable(buildAccessTable(without, testHashKey));
  t.same(
    world.events.flatMap((one) => (one.kind === "trouble" ? `${one.trouble} ${one.state}` : [])),
    [
      "unknown_exit_reader:lab raised",
      "door_not_in_table:lab raised",
      "unknown_exit_reader:lab cleared",
    ],
  );
});

t.test("an operator is told when the disk does not take his word", async (t) => {
  const world = open(site());
  world.disk.state = "refuses";
  const set = world.controller.override(front.door, { posture: "lockdown", until: "cleared" });
  if (!set.ok) throw new Error("refused");
  t.equal(set.value.posture, "lockdown", "in force all the same");
  t.equal(await set.value.isKept, false);
});

const three = {
  passes: [
    adaCounted,
    cardPass("bob-card", "bob", rawFromBits(bobBits)),
    cardPass("chief-card", "chief", rawFromBits(chiefBits)),
  ],
};

t.test("one person is not two others' company while the disk is slow", async (t) => {
  const world = open(site({ front: { twoPerson: "required" } }, three));
  await world.tap(front.reader, bobBits);
  await whileWaiting(world, () => world.tap(front.reader, chiefBits));
  const granted = world.events.flatMap((one) => (one.kind === "access_granted" ? one.user : []));
  t.same(granted, ["bob", "ada"], "Chief waits for a second person of his own");
});

t.test("a pair whose use is not recorded is denied once each", async (t) => {
  const world = open(site({ front: { twoPerson: "required" } }, three));
  await world.tap(front.reader, bobBits);
  world.disk.state = "refuses";
  await world.tap(front.reader, adaBits);
  await world.clock.elapse(120_000);
  const denied = world.events.flatMap((one) => (one.kind === "access_denied" ? one.user : []));
  t.same(denied, ["bob", "ada"]);
});

t.test("a use that counts only since the table came is on disk before the strike", async (t) => {
  const world = open(site({}, counted));
  await whileWaiting(world, () => {
    const passes = [{ ...adaCounted, usesMax: 5, spentHere: 3 }];
    world.controller.setTable(buildAccessTable(site({}, { passes }), testHashKey));
  });
  await world.clock.elapse(10_000);
  for (let tap = 0; tap < 3; tap += 1) {
    await world.tap(front.reader, adaBits);
    await world.clock.elapse(10_000);
  }
  const uses = world.events.flatMap((one) => (one.kind === "access_granted" ? one.use : []));
  t.same(uses, [4, 5], "the site knew of three");
});
