import type { Seeded } from "../../../hal/sim/seeded.ts";
import type { DoorWorld } from "./world.ts";

export type Move = (world: DoorWorld, random: Seeded) => void;

const dayMs = 86_400_000;

/** What may happen at a door. People do as people do: some moves are several things in a row. */
export const moves: Readonly<Record<string, Move>> = {
  momentPasses: (world, random) => world.pass(random.between(0, 400)),
  secondsPass: (world, random) => world.pass(random.between(400, 12_000)),
  minutesPass: (world, random) => world.pass(random.between(12_000, 600_000)),
  daysPass: (world, random) => world.pass(random.between(dayMs, 60 * dayMs)),

  deadlineComesNear: (world, random) => {
    const { deadline } = world;
    if (deadline === undefined) return;
    world.pass(Math.max(0, deadline - world.now + random.between(-1, 1)));
  },

  grant: (world, random) => world.grant(random.chance(0.2) ? 30_000 : 0),

  nobodyComes: (world, random) => {
    const grantCount = random.pick([1, 2, 3, 12]);
    for (let grant = 0; grant < grantCount; grant += 1) {
      world.grant();
      if (random.chance(0.2)) world.posture("secure_now");
      world.pass(random.pick([300, 3_300, 31_000]));
    }
  },

  someoneSlowEnters: (world, random) => {
    world.grant(30_000);
    if (random.chance(0.3)) world.grant();
    world.pass(random.between(0, 40_000));
    openByHand(world, random);
    world.pass(random.between(200, 90_000));
    world.moveLeaf("closed", "by_hand", debounce(random));
  },

  unlockedForAWhile: (world, random) => {
    world.posture("hold_unlocked");
    for (let visitor = random.between(0, 4); visitor > 0; visitor -= 1) {
      world.pass(random.between(0, 60_000));
      if (random.chance(0.5)) world.grant(random.chance(0.3) ? 30_000 : 0);
      openByHand(world, random);
      world.pass(random.between(200, 60_000));
      if (random.chance(0.8)) world.moveLeaf("closed", "by_hand", debounce(random));
    }
    if (random.chance(0.8)) world.posture("end_hold");
  },

  doorIsUnlocked: (world) => world.posture("hold_unlocked"),
  unlockingEnds: (world) => world.posture("end_hold"),
  lockdown: (world) => world.posture("secure_now"),

  someoneEnters: (world, random) => {
    world.grant();
    world.pass(random.between(0, 4_000));
    openByHand(world, random);
    world.pass(random.between(200, 9_000));
    world.moveLeaf("closed", "by_hand", debounce(random));
  },

  someoneStandsInTheDoor: (world, random) => {
    world.grant();
    openByHand(world, random);
    world.pass(random.between(1_000, 200_000));
    world.grant();
    world.pass(random.between(1_000, 200_000));
  },

  someoneLeaves: (world, random) => {
    if (world.rexIsPressed) world.pressRex("idle");
    world.pressRex("pressed");
    world.pass(random.between(0, 2_000));
    if (random.chance(0.7)) world.pressRex("idle");
    world.pass(random.between(0, 2_000));
    openByHand(world, random);
    world.pass(random.between(200, 5_000));
    world.moveLeaf("closed", "by_hand", debounce(random));
  },

  peopleTalkAtTheExit: (world, random) => {
    if (random.chance(0.5)) world.pressRex("pressed");
    openByHand(world, random);
    for (let passer = random.between(1, 4); passer > 0; passer -= 1) {
      world.pass(random.between(0, 5_000));
      world.pressRex("pressed");
      if (random.chance(0.7)) world.moveLeaf("closed", "by_hand", debounce(random));
      world.pass(random.between(0, 20_000));
      if (random.chance(0.7)) openByHand(world, random);
    }
    if (random.chance(0.5)) world.posture("end_hold");
    if (random.chance(0.8)) world.pressRex("idle");
  },

  leafOpens: openByHand,
  leafShuts: (world, random) => world.moveLeaf("closed", "by_hand", debounce(random)),
  crowbar: (world) => world.moveLeaf("open", "by_force"),
  buttonPressed: (world) => world.pressRex("pressed"),
  buttonLetGo: (world) => world.pressRex("idle"),

  buttonRattles: (world, random) => {
    const changeCount = random.between(2, 60);
    const pauseMsMax = random.pick([20, 200, 2_000]);
    for (let change = 0; change < changeCount; change += 1) {
      world.pressRex(world.rexIsPressed ? "idle" : "pressed");
      world.pass(random.between(0, pauseMsMax));
    }
  },

  contactRattles: (world, random) => {
    const pauseMsMax = random.pick([20, 200, 2_000]);
    world.rattleContact(random.between(1, 24), () => random.between(0, pauseMsMax));
  },

  wireBreaks: (world, random) =>
    world.wire(random.pick(["contact", "rex"]), random.pick(["cut", "shorted"])),
  wiresAreMended: (world) => {
    world.wire("contact", "sound");
    world.wire("rex", "sound");
  },
  burglar: (world, random) => {
    world.wire("contact", random.pick(["cut", "shorted"]));
    world.pass(random.between(0, 20_000));
    if (random.chance(0.2)) world.grant();
    world.pass(random.between(0, 20_000));
    world.moveLeaf("open", "by_force");
    world.pass(random.between(0, 20_000));
    world.wire("contact", "sound");
  },
  looseWire: (world, random) => {
    const input = random.pick(["contact", "rex"] as const);
    const pauseMsMax = random.pick([20, 200, 2_000]);
    for (let change = random.between(1, 30); change > 0; change -= 1) {
      world.wire(input, random.pick(["sound", "sound", "cut", "shorted"]));
      world.pass(random.between(0, pauseMsMax));
    }
  },
  magnetOnTheContact: (world, random) => world.stickContact(random.chance(0.5)),

  technicianPulses: (world, random) => world.pulse(drawPulse(random)),

  technicianAtWork: (world, random) => {
    for (let pulse = random.between(2, 8); pulse > 0; pulse -= 1) {
      world.pulse(drawPulse(random));
      world.pass(random.between(0, 2_500));
      if (random.chance(0.3)) openByHand(world, random);
      if (random.chance(0.2)) world.grant();
      world.pass(random.between(0, 8_000));
      if (random.chance(0.6)) world.moveLeaf("closed", "by_hand", debounce(random));
    }
  },

  nothingNew: (world, random) => world.repeat(random.pick(["deadline", "leaf", "rex"])),
  processRestarts: (world, random) => world.restart(random.between(0, 5_000)),
  tableArrives: (world) => world.newTable(),
};

/** As `postern pulse` takes them: 50 ms to 10 s. */
function drawPulse(random: Seeded): number {
  return random.pick([50, 500, 500, 3_000, 10_000]);
}

function openByHand(world: DoorWorld, random: Seeded): void {
  if (!world.needsForce) world.moveLeaf("open", "by_hand", debounce(random));
}

/** A contact's change is stamped with its first edge and told when it has settled. */
function debounce(random: Seeded): number {
  return random.chance(0.1) ? random.between(1, 50) : 0;
}
