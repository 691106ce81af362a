import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { scheduleId, userId } from "../../../src/domain/ids.ts";
import { digestPin } from "../../../src/protocols/sync/provision.ts";
import { at, cardPass, pinPass, testHashKey, user } from "../core/sample-table.ts";
import { always, bobBits, chiefBits, office, site, unlocks, visitorBits } from "./door-people.ts";
import { adaBits, front, lab, open, pinKey } from "./door-rig.ts";

const withToggle = {
  passes: [cardPass("ada-card", "ada", rawFromBits(adaBits), { traits: ["toggle"] })],
};

const isDenial = ({ kind }: DoorEvent): boolean => kind === "access_denied";

t.test("lockdown denies all but pass-through passes, and lets everybody leave", async (t) => {
  const world = open(site());
  await world.tap(front.reader, adaBits);
  t.equal(world.strikes()[0], "released");
  world.controller.override(front.door, { posture: "lockdown", until: "cleared" });
  t.equal(world.strikes()[0], "secured", "at once, whatever was granted before");
  await world.tap(front.reader, adaBits);
  t.match(world.events.find(isDenial), { reason: "lockdown", user: "ada" });
  world.sim.setRex(front.door, "pressed");
  await world.clock.elapse(100);
  t.equal(world.strikes()[0], "released", "egress is never taken away");
  world.sim.setRex(front.door, "idle");
  await world.clock.elapse(5_000);
  await world.tap(front.reader, chiefBits);
  t.equal(world.strikes()[0], "released");
  await world.tap(lab.reader, adaBits);
  t.equal(world.strikes()[1], "released", "the other door goes on");
});

t.test("lockdown outlasts a restart, and its end returns to what the schedule says", async (t) => {
  const part = { rules: [...always, unlocks("auto_unlock")], schedules: [office] };
  const before = open(site({}, part));
  before.controller.override(front.door, { posture: "lockdown", until: "cleared" });
  await before.clock.elapse(1_000);
  before.close();
  const world = open(site({}, part), before);
  await world.tap(front.reader, adaBits);
  t.match(world.events.at(-1), { kind: "access_denied", reason: "lockdown" });
  await world.clock.elapse(30 * 60_000);
  t.equal(world.strikes()[0], "secured", "no schedule weakens it");
  t.match(world.controller.override(front.door, "clear"), {
    value: { posture: "unlocked", cause: "schedule" },
  });
  t.equal(world.strikes()[0], "released");
});

t.test("a schedule unlocks the door and locks it, once each, green meanwhile", async (t) => {
  // 12:00 in London is 13:00 in Berlin: the office opens as the test begins.
  const world = open(site({}, { rules: [...always, unlocks("auto_unlock")], schedules: [office] }));
  t.equal(world.strikes()[0], "released");
  t.equal(world.sim.state().readers["front"]?.led, "green");
  await world.tap(front.reader, adaBits);
  t.match(world.events.at(-1), {
    kind: "access_granted",
    reason: "granted_already_unlocked",
    user: "ada",
  });
  await world.clock.elapse(4 * 3_600_000);
  t.equal(world.strikes()[0], "secured");
  t.same(
    world.events.filter(({ kind }) => kind === "posture_changed"),
    [
      { kind: "posture_changed", door: "front", posture: "unlocked", cause: "schedule" },
      { kind: "posture_changed", door: "front", posture: "locked", cause: "site" },
    ],
  );
});

t.test(
  "while nobody vouches for the time no schedule unlocks, and a set clock is noticed",
  async (t) => {
    const world = open(
      site({}, { rules: [...always, unlocks("auto_unlock")], schedules: [office] }),
    );
    world.clock.setWall({ quality: "unknown" });
    await world.clock.elapse(60_000);
    t.equal(world.strikes()[0], "secured");
    world.clock.setWall({ quality: "trusted", at: at("2026-01-05T13:00:00Z") });
    await world.clock.elapse(60_000);
    t.equal(world.strikes()[0], "released");
  },
);

t.test("the first person in unlocks the door until the schedule shuts", async (t) => {
  const rules = [...always, { ...unlocks("first_person_in"), users: [userId("bob")] }];
  const world = open(site({}, { rules, schedules: [office] }));
  await world.tap(front.reader, adaBits);
  await world.clock.elapse(10_000);
  t.equal(world.strikes()[0], "secured", "Ada is not of those who open the office");
  await world.tap(front.reader, bobBits);
  await world.clock.elapse(60_000);
  t.equal(world.strikes()[0], "released");
  world.close();
  const restarted = open(site({}, { rules, schedules: [office] }), world);
  t.equal(restarted.strikes()[0], "released", "who came in does not leave with the power");
  await restarted.clock.elapse(4 * 3_600_000);
  t.equal(restarted.strikes()[0], "secured");
});

t.test("a toggle pass undoes its own unlock, and an operator's not", async (t) => {
  const world = open(site({}, withToggle));
  await world.tap(front.reader, adaBits);
  await world.clock.elapse(60_000);
  t.equal(world.strikes()[0], "released");
  await world.tap(front.reader, adaBits);
  t.equal(world.strikes()[0], "secured");
  t.match(
    world.events.filter(({ kind }) => kind === "access_granted"),
    [{ reason: "granted" }, { reason: "granted_relocked" }],
  );
  world.controller.override(front.door, { posture: "unlocked", until: "cleared" });
  await world.tap(front.reader, adaBits);
  t.equal(world.strikes()[0], "released");
});

t.test("a door is not kept unlocked by a pass that was taken away or has ended", async (t) => {
  const [pass] = withToggle.passes;
  if (pass === undefined) throw new Error("no pass");
  const takenAway = site({}, { passes: [{ ...pass, active: false }] });
  const suspended = site(
    {},
    { ...withToggle, users: [user("ada", { suspended: true })], rules: [] },
  );
  for (const table of [takenAway, suspended, site({}, { passes: [] })]) {
    const world = open(site({}, withToggle));
    await world.tap(front.reader, adaBits);
    await world.clock.elapse(60_000);
    t.equal(world.strikes()[0], "released");
    world.controller.setTable(buildAccessTable(table, testHashKey));
    t.equal(world.strikes()[0], "secured");
  }
  const endsAt = at("2026-01-05T12:30:00Z");
  const world = open(site({}, { passes: [{ ...pass, endsAt }] }));
  await world.tap(front.reader, adaBits);
  await world.clock.elapse(29 * 60_000);
  t.equal(world.strikes()[0], "released");
  await world.clock.elapse(60_000);
  t.equal(world.strikes()[0], "secured", "at its end");
});

t.test(
  "a lost clock ends no toggle, and nobody waits for an end that it cannot tell",
  async (t) => {
    const [pass] = withToggle.passes;
    if (pass === undefined) throw new Error("no pass");
    const endsAt = at("2026-01-05T12:30:00Z");
    const world = open(site({}, { passes: [{ ...pass, endsAt }] }));
    await world.tap(front.reader, adaBits);
    world.clock.setWall({ quality: "unknown", at: at("2027-01-01T00:00:00Z") });
    // The clock throws where a controller wakes again and again for what is long past.
    await world.clock.elapse(120_000);
    t.equal(world.strikes()[0], "released");
  },
);

t.test("what a door is told to forget, a restart ends; what it remembers goes on", async (t) => {
  for (const [afterRestart, strike] of [
    ["remember", "released"],
    ["forget", "secured"],
  ] as const) {
    const table = site({ front: { afterRestart } }, withToggle);
    const before = open(table);
    await before.tap(front.reader, adaBits);
    await before.clock.elapse(1_000);
    before.close();
    t.equal(open(table, before).strikes()[0], strike, afterRestart);
  }
});

t.test("an override until the next change ends when the schedule changes", async (t) => {
  const part = { rules: [...always, unlocks("auto_unlock")], schedules: [office] };
  const world = open(site({}, part));
  world.controller.override(front.door, { posture: "locked", until: "next_change" });
  await world.clock.elapse(3_600_000);
  t.equal(world.strikes()[0], "secured", "the office is open, and the operator's word is newer");
  await world.clock.elapse(24 * 3_600_000);
  t.equal(world.strikes()[0], "released", "the next day is as every day");
});

const twoUses = {
  passes: [cardPass("ada-card", "ada", rawFromBits(adaBits), { usesMax: 2 })],
};

t.test("N uses are N grants, over a power cut too, and a denial costs none", async (t) => {
  const world = open(site({}, twoUses));
  await world.tap(front.reader, adaBits);
  t.match(world.events.at(-1), { kind: "access_granted", use: 1 });
  await world.clock.elapse(10_000);
  world.disk.powerCut();
  world.close();
  const restarted = open(site({}, twoUses), world);
  restarted.controller.override(lab.door, { posture: "disabled", until: "cleared" });
  await restarted.tap(lab.reader, adaBits);
  t.match(restarted.events.at(-1), { kind: "access_denied", reason: "door_disabled" });
  await restarted.tap(front.reader, adaBits);
  t.match(restarted.events.at(-1), { kind: "access_granted", use: 2 });
  await restarted.clock.elapse(10_000);
  await restarted.tap(front.reader, adaBits);
  t.match(restarted.events.at(-1), { kind: "access_denied", reason: "over_limit" });
});

t.test("a use that the disk does not take opens nothing and is not lost", async (t) => {
  const world = open(site({}, twoUses));
  world.disk.state = "refuses";
  await world.tap(front.reader, adaBits);
  t.equal(world.strikes()[0], "secured");
  t.match(world.events.at(-1), {
    kind: "access_denied",
    reason: "use_not_recorded",
    user: "ada",
  });
  world.disk.works();
  for (const use of [1, 2]) {
    await world.clock.elapse(10_000);
    await world.tap(front.reader, adaBits);
    t.match(world.events.at(-1), { kind: "access_granted", use });
    await world.clock.elapse(5_000);
  }
});

t.test("the strike waits for the disk, and a lockdown that comes first wins", async (t) => {
  const world = open(site({}, twoUses));
  world.disk.state = "hangs";
  await world.tap(front.reader, adaBits);
  t.equal(world.strikes()[0], "secured", "the use is not on disk yet");
  world.controller.override(front.door, { posture: "lockdown", until: "cleared" });
  world.disk.works();
  await world.clock.elapse(100);
  t.equal(world.strikes()[0], "secured");
  t.match(world.events.at(-1), { kind: "access_denied", reason: "lockdown", user: "ada" });
});

t.test("one use is never two grants, at two doors in one moment", async (t) => {
  const once = { passes: [cardPass("ada-card", "ada", rawFromBits(adaBits), { usesMax: 1 })] };
  const world = open(site({}, once));
  world.disk.state = "hangs";
  await world.tap(front.reader, adaBits);
  await world.tap(lab.reader, adaBits);
  world.disk.works();
  await world.clock.elapse(100);
  t.same(world.strikes(), ["released", "secured"]);
});

t.test("two people open a two-person door, and one who comes twice does not", async (t) => {
  const world = open(site({ front: { twoPerson: "required", companyMs: 20_000 } }));
  await world.tap(front.reader, adaBits);
  t.equal(world.strikes()[0], "secured");
  t.equal(world.sim.state().readers["front"]?.led, "amber", "somebody is awaited");
  await world.tap(front.reader, adaBits);
  t.match(world.events, [{ kind: "access_denied", reason: "same_person_twice", user: "ada" }]);
  await world.tap(front.reader, bobBits);
  t.equal(world.strikes()[0], "released");
  t.match(world.events.slice(1), [
    { kind: "access_granted", user: "ada" },
    { kind: "access_granted", user: "bob" },
  ]);
});

t.test("who waits for a second person in vain is denied when the time is over", async (t) => {
  const world = open(site({ front: { twoPerson: "required", companyMs: 20_000 } }));
  await world.tap(front.reader, adaBits);
  await world.clock.elapse(20_000);
  t.match(world.events, [{ kind: "access_denied", reason: "second_person_timeout", user: "ada" }]);
  await world.tap(front.reader, bobBits);
  t.equal(world.strikes()[0], "secured", "Bob is the first again");
});

t.test("a visitor comes in with an escort, before or after, and with nobody else", async (t) => {
  const world = open(site());
  await world.tap(front.reader, visitorBits);
  t.equal(world.strikes()[0], "secured");
  await world.tap(front.reader, chiefBits);
  t.equal(world.strikes()[0], "released");
  t.match(world.events, [
    { kind: "access_granted", user: "vic" },
    { kind: "access_granted", user: "chief" },
  ]);
  await world.clock.elapse(40_000);
  await world.tap(lab.reader, visitorBits);
  await world.tap(lab.reader, adaBits);
  t.match(world.events.slice(-2), [
    { kind: "access_granted", user: "ada" },
    { kind: "access_denied", reason: "not_an_escort", user: "vic" },
  ]);
  await world.clock.elapse(60_000);
  await world.tap(lab.reader, chiefBits);
  await world.tap(lab.reader, visitorBits);
  t.match(world.events.at(-1), { kind: "access_granted", user: "vic" });
});

t.test("who needs extra time has it", async (t) => {
  const world = open(site({ front: { extraTimeMs: 20_000, strikeOnMaxMs: 60_000 } }));
  await world.tap(front.reader, chiefBits);
  await world.clock.elapse(20_000);
  t.equal(world.strikes()[0], "released");
  await world.clock.elapse(5_000);
  t.equal(world.strikes()[0], "secured");
});

t.test("a duress PIN opens like any other and raises a silent alarm", async (t) => {
  const passes = [
    pinPass("ada-pin", "ada", digestPin(pinKey, "246810")),
    pinPass("ada-duress", "ada", digestPin(pinKey, "246811"), { traits: ["duress"] }),
  ];
  const looks: unknown[] = [];
  for (const pin of ["246810#", "246811#"]) {
    const world = open(site({ front: { factors: "card_or_pin" } }, { passes }));
    await world.type(front.reader, pin);
    looks.push([world.sim.state(), world.order.filter((step) => step.includes("="))]);
    t.match(world.events[0], { kind: "access_granted", user: "ada" });
    t.equal(world.kinds().includes("duress"), pin === "246811#");
  }
  t.same(looks[0], looks[1], "nothing at the door tells one from the other");
});

t.test("five wrong PINs do not disarm the duress PIN", async (t) => {
  const passes = [
    pinPass("ada-pin", "ada", digestPin(pinKey, "246810")),
    pinPass("ada-duress", "ada", digestPin(pinKey, "246811"), { traits: ["duress"] }),
  ];
  const world = open(site({ front: { factors: "card_or_pin" } }, { passes }));
  for (let count = 0; count < 5; count += 1) await world.type(front.reader, "11111#");
  await world.type(front.reader, "246811#");
  t.equal(world.strikes()[0], "secured");
  t.match(world.events.slice(-2), [
    { kind: "access_denied", reason: "pin_locked_out" },
    { kind: "duress", user: "ada", pass: "ada-duress" },
  ]);
});

t.test("the use of a PIN after a card is counted as the card's is", async (t) => {
  const passes = [
    cardPass("ada-card", "ada", rawFromBits(adaBits)),
    pinPass("ada-pin", "ada", digestPin(pinKey, "246810"), { usesMax: 1 }),
  ];
  const world = open(site({ lab: { factors: "card_and_pin" } }, { passes }));
  await world.tap(lab.reader, adaBits);
  await world.type(lab.reader, "246810#");
  t.match(world.events.at(-1), {
    kind: "access_granted",
    pinUse: { pass: "ada-pin", use: 1 },
  });
  await world.clock.elapse(10_000);
  await world.tap(lab.reader, adaBits);
  await world.type(lab.reader, "246810#");
  t.match(world.events.at(-1), { kind: "access_denied", reason: "over_limit" });
});

t.test("fire unlocks exactly the doors flagged for it, in lockdown too", async (t) => {
  const world = open(site({ front: { fire: "unlock" } }));
  world.controller.override(front.door, { posture: "lockdown", until: "cleared" });
  world.sim.setAlarm({ kind: "fire" }, "raised");
  await world.clock.elapse(60_000);
  t.same(world.strikes(), ["released", "secured"]);
  world.sim.setAlarm({ kind: "fire" }, "idle");
  await world.clock.elapse(1_000);
  t.same(world.strikes(), ["secured", "secured"]);
  t.match(world.events.slice(1), [
    { kind: "posture_changed", door: "front", posture: "unlocked", cause: "fire" },
    { kind: "fire", state: "raised" },
    { kind: "posture_changed", door: "front", posture: "lockdown", cause: "operator" },
    { kind: "fire", state: "cleared" },
  ]);
});

t.test("a reader that is tampered with admits nobody where its door says so", async (t) => {
  const world = open(site({ front: { tamper: "deny" } }));
  world.sim.setAlarm({ kind: "tamper", reader: front.reader }, "raised");
  await world.clock.elapse(1_000);
  t.match(world.events, [{ kind: "tamper", reader: "front", state: "raised" }]);
  await world.tap(front.reader, adaBits);
  t.match(world.events.at(-1), { kind: "access_denied", reason: "tampered" });
  await world.tap(lab.reader, adaBits);
  t.match(world.events.at(-1), { kind: "access_granted" });
});

t.test("a door that no schedule concerns costs no timer", async (t) => {
  const world = open(site({}, { schedules: [{ ...office, id: scheduleId("unused") }] }));
  await world.clock.elapse(1_000);
  t.equal(world.clock.alarmCount, 0);
});
