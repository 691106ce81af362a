import t from "tap";
import type { Strike, StrikeCommand } from "../../../hal/strike.ts";
import type { DoorSettings } from "../../../src/domain/access.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { areaId, type DoorId } from "../../../src/domain/ids.ts";
import { area } from "../core/sample-table.ts";
import { always, bobBits, site } from "./door-people.ts";
import { adaBits, front, lab, open } from "./door-rig.ts";

const minute = 60_000;
type World = ReturnType<typeof open>;

/** From now on each command for which `isLost` is not carried out, as `Strike.drive` says. */
function loseCommands(
  world: World,
  isLost: (command: StrikeCommand) => boolean,
  door: DoorId = front.door,
): Strike {
  const found = world.board.doors.find(({ id }) => id === door);
  if (found === undefined) throw new Error(`the board has no ${door}`);
  const { strike } = found;
  const drive = strike.drive.bind(strike);
  strike.drive = (command) => {
    if (isLost(command)) throw new HalError("io", "the expander does not answer");
    drive(command);
  };
  return strike;
}

/** The next command of the kind is lost, and each one after it for `forMs`. */
function loseNext(world: World, lost: StrikeCommand, forMs = 0): void {
  let until: number | undefined;
  loseCommands(world, (command) => {
    const now = world.clock.monotonic();
    if (command !== lost) return false;
    const isFirst = until === undefined;
    until ??= now + forMs;
    return isFirst || now < until;
  });
}

function troublesOf({ events }: World): readonly string[] {
  return events.flatMap((event) => {
    if (event.kind !== "trouble" || !event.trouble.startsWith("strike_failed")) return [];
    return [`${event.trouble} ${event.state}`];
  });
}

t.test("fire opens its doors although the first command was lost", async (t) => {
  const world = open(site({ front: { fire: "unlock" } }));
  loseNext(world, "released");
  world.sim.setAlarm({ kind: "fire" }, "raised");
  await world.clock.elapse(400);
  t.equal(world.strikes()[0], "released");
  t.same(troublesOf(world), ["strike_failed:front raised", "strike_failed:front cleared"]);
  await world.clock.elapse(60 * minute);
  t.equal(world.strikes()[0], "released", "and they stay open");
});

t.test("a strike that fails for a minute is opened by the fire when it works again", async (t) => {
  const world = open(site({ front: { fire: "unlock" } }));
  loseNext(world, "released", minute);
  world.sim.setAlarm({ kind: "fire" }, "raised");
  await world.clock.elapse(minute - 1_000);
  t.equal(world.strikes()[0], "secured");
  t.same(troublesOf(world), ["strike_failed:front raised"], "told once");
  await world.clock.elapse(2_000);
  t.equal(world.strikes()[0], "released");
});

t.test("a strike that could not be secured before the fire is not secured in it", async (t) => {
  const world = open(site({ front: { fire: "unlock" } }));
  await world.tap(front.reader, adaBits);
  let isBroken = true;
  loseCommands(world, (command) => {
    const isLost = isBroken;
    if (command === "released") isBroken = false;
    return isLost;
  });
  await world.clock.elapse(3_000);
  world.sim.setAlarm({ kind: "fire" }, "raised");
  await world.clock.elapse(minute);
  t.equal(world.strikes()[0], "released");
});

t.test("the REX opens a door whose unlocking was lost, in the same moment", async (t) => {
  const world = open(site({ front: { posture: "unlocked" } }));
  world.controller.override(front.door, { posture: "lockdown", until: "cleared" });
  let isLost = true;
  loseCommands(world, (command) => command === "released" && isLost);
  world.controller.override(front.door, "clear");
  await world.clock.elapse(1_010);
  t.equal(world.strikes()[0], "secured");
  isLost = false;
  const driven = world.order.length;
  world.sim.setRex(front.door, "pressed");
  await world.clock.elapse(40);
  t.equal(world.strikes()[0], "released");
  const order = world.order.slice(driven);
  t.ok(order.findIndex((line) => line.includes("=")) < order.indexOf("rex_admitted"), "first");
});

t.test("a card opens a door whose unlocking was lost", async (t) => {
  const world = open(site({ front: { posture: "unlocked" } }));
  world.controller.override(front.door, { posture: "lockdown", until: "cleared" });
  let lostCount = 0;
  const strike = loseCommands(world, (command) => {
    if (command !== "released") return false;
    lostCount += 1;
    return lostCount <= 1;
  });
  world.controller.override(front.door, "clear");
  const commanded: string[] = [];
  const drive = strike.drive.bind(strike);
  strike.drive = (command) => {
    drive(command);
    commanded.push(
      `${command} at ${world.order.filter((line) => line === "access_granted").length}`,
    );
  };
  const sent = world.sim.presentCard(front.reader, adaBits);
  await world.clock.elapse(200);
  await sent;
  t.same(commanded, ["released at 0"], "before the journal and before the next try of its own");
  t.match(world.events.at(-1), { kind: "access_granted" });
});

t.test("who presses is let out although the command was lost once", async (t) => {
  const world = open(site());
  loseNext(world, "released");
  world.sim.setRex(front.door, "pressed");
  await world.clock.elapse(400);
  t.equal(world.strikes()[0], "released");
  world.sim.setRex(front.door, "idle");
  await world.clock.elapse(minute);
  t.equal(world.strikes()[0], "secured", "and a lost release is not tried for ever");
});

t.test("a release that nobody wants any more is not made up for", async (t) => {
  const world = open(site());
  loseNext(world, "released", 3_100);
  await world.tap(front.reader, adaBits);
  await world.clock.elapse(minute);
  t.equal(world.strikes()[0], "secured");
  t.same(troublesOf(world), ["strike_failed:front raised", "strike_failed:front cleared"]);
});

t.test("a strike that was not secured is secured as soon as it can be", async (t) => {
  const world = open(site());
  await world.tap(front.reader, adaBits);
  loseNext(world, "secured", 2_000);
  await world.clock.elapse(4_000);
  t.equal(world.strikes()[0], "released");
  t.same(troublesOf(world), ["strike_failed:front raised"]);
  await world.clock.elapse(2_000);
  t.equal(world.strikes()[0], "secured");
  t.same(troublesOf(world).at(-1), "strike_failed:front cleared");
});

t.test("the other door of a mantrap stays shut while a strike cannot be secured", async (t) => {
  const world = open(site({ front: { interlock: [lab.door] }, lab: { interlock: [front.door] } }));
  await world.tap(front.reader, adaBits);
  let isLost = true;
  const strike = loseCommands(world, (command) => command === "secured" && isLost);
  await world.clock.elapse(10_000);
  await world.tap(lab.reader, bobBits);
  t.match(world.events.at(-1), { kind: "access_denied", reason: "interlock" });
  isLost = false;
  while (strike.commanded() === "released") await world.clock.elapse(10);
  const sent = world.sim.presentCard(lab.reader, bobBits);
  await world.clock.elapse(200);
  await sent;
  t.match(world.events.at(-1), { reason: "interlock" }, "a bolt takes a moment to fall");
  await world.tap(lab.reader, bobBits);
  t.match(world.events.at(-1), { kind: "access_granted", door: "lab" });
});

const relocks: readonly DoorSettings["relock"][] = ["after_unlock_time", "on_open", "on_close"];
for (const relock of relocks) {
  t.test(`nobody who holds the REX is locked in by the leaf (${relock})`, async (t) => {
    const world = open(site({ front: { relock, strikeOnMaxMs: minute } }));
    world.sim.setRex(front.door, "pressed");
    await world.clock.elapse(200);
    world.sim.setLeaf(front.door, "open");
    await world.clock.elapse(1_000);
    world.sim.setLeaf(front.door, "closed");
    await world.clock.elapse(10_000);
    t.equal(world.strikes()[0], "released", "the second of two");
    world.sim.setRex(front.door, "idle");
    await world.clock.elapse(5_000);
    t.equal(world.strikes()[0], "secured");
    world.sim.setLeaf(front.door, "open");
    await world.clock.elapse(500);
    world.sim.setRex(front.door, "pressed");
    await world.clock.elapse(200);
    t.equal(world.strikes()[0], "secured", "an open leaf needs no strike");
    world.sim.setLeaf(front.door, "closed");
    await world.clock.elapse(300);
    t.equal(world.strikes()[0], "released", "who pressed while it was swinging shut");
  });
}

t.test("who taps at an unlocked door and walks away takes nobody's place", async (t) => {
  const office = areaId("office");
  const part = { areas: [area("office", { passback: "hard", occupancyMax: 1 })], rules: always };
  const doors = {
    front: { posture: "unlocked", inside: office },
    lab: { inside: office },
  } as const;
  const world = open(site(doors, part));
  await world.tap(front.reader, adaBits);
  await world.tap(lab.reader, bobBits);
  t.match(world.events.at(-1), { reason: "area_full" }, "she may be on her way in");
  await world.clock.elapse(minute);
  t.equal(world.kinds().includes("door_not_entered"), true);
  world.sim.setLeaf(front.door, "open");
  await world.clock.elapse(500);
  world.sim.setLeaf(front.door, "closed");
  await world.clock.elapse(500);
  await world.tap(lab.reader, bobBits);
  t.match(world.events.at(-1), { kind: "access_granted", user: "bob" }, "the leaf was somebody's");
});
