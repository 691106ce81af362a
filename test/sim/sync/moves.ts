import type { Seeded } from "../../../hal/sim/seeded.ts";
import { attackerMoves } from "./attacker-moves.ts";
import { cardNumbers } from "./plan.ts";
import { anyOf, type PlanMove, pickOf, planMoves, withCrowd } from "./plan-moves.ts";
import { fair } from "./stormy-broker.ts";
import type { SyncWorld } from "./world.ts";

export type Move = (world: SyncWorld, random: Seeded) => Promise<void>;

const hourMs = 3_600_000;

/** The site is told of it, at once if it is there; then some time passes, or none. */
function applying(change: PlanMove): Move {
  return async (world, random) => {
    await world.site.start();
    world.apply(change(world.site.plan, random, world.clock.wall().at));
    await someTime(world, random);
  };
}

async function someTime(world: SyncWorld, random: Seeded): Promise<void> {
  if (random.chance(0.4)) return world.turn(random.between(0, 40));
  await world.pass(random.between(1, 4_000), 500);
}

const siteMoves: Readonly<Record<string, Move>> = {
  ...Object.fromEntries(Object.entries(planMoves).map(([name, move]) => [name, applying(move)])),
  muchChanges: applying((plan, random, at) => {
    let next = plan;
    for (let left = random.between(2, 20); left > 0; left -= 1)
      next = anyOf(random)(next, random, at);
    return next;
  }),
  crowdComesOrGoes: applying((plan, random, at) => {
    let next = withCrowd(plan);
    for (let left = random.between(0, 6); left > 0; left -= 1)
      next = anyOf(random)(next, random, at);
    return next;
  }),
  changesComeInABurst: async (world, random) => {
    await world.site.start();
    for (let left = random.between(3, 15); left > 0; left -= 1) {
      world.apply(anyOf(random)(world.site.plan, random, world.clock.wall().at));
      if (random.chance(0.3)) await world.turn(random.between(0, 10));
    }
    await someTime(world, random);
  },
  siteSaysTheSameAgain: applying((plan) => plan),
  siteHandsOverItsKey: async (world, random) => {
    await world.site.start();
    world.site.rotateKey();
    await someTime(world, random);
  },
  siteStops: async (world, random) => {
    world.site.stop();
    if (random.chance(0.3)) await world.pass(random.between(1, 60_000), 5_000);
    await world.site.start();
    await someTime(world, random);
  },
  siteDiesBeforeItsFirstWord: async (world, random) => {
    await world.site.start();
    world.site.applyUnheard(anyOf(random)(world.site.plan, random, world.clock.wall().at));
    await someTime(world, random);
    await world.site.start();
  },
  siteIsCopied: async (world) => {
    world.site.copy();
    await world.turn(1);
  },
  siteIsSetBack: async (world, random) => {
    if (!world.site.hasCopy) return siteMoves["siteIsCopied"]?.(world, random);
    world.site.restore();
    await world.site.start();
    await someTime(world, random);
  },
  siteLosesItsTables: async (world, random) => {
    world.site.loseShelf();
    await world.site.start();
    await someTime(world, random);
  },
};

const controllerMoves: Readonly<Record<string, Move>> = {
  controllerIsKilled: async (world, random) => {
    await restarted(world, random, random.chance(0.5) ? "killed" : "power_cut");
  },
  controllerDiesInTheMiddle: async (world, random) => {
    await world.site.start();
    world.apply(anyOf(random)(world.site.plan, random, world.clock.wall().at));
    await world.clock.elapse(random.between(2, 5));
    await world.turn(random.between(0, 30));
    await restarted(world, random, random.chance(0.5) ? "killed" : "power_cut");
  },
  controllerStops: async (world, random) => {
    const controller = pickOf(random, world.controllers);
    await controller?.stop();
    await someTime(world, random);
    await controller?.start();
  },
  diskFailsOrNot: async (world, random) => {
    const controller = pickOf(random, world.controllers);
    controller?.setDisk(controller.diskFailsOneIn > 0 ? 0 : random.pick([1, 3, 10, 40]));
    await someTime(world, random);
  },
  someoneGoes: async (world, random) => {
    await goes(world, random);
    await someTime(world, random);
  },
  visitorsGo: async (world, random) => {
    for (let left = random.between(1, 4); left > 0; left -= 1) await visits(world, random);
    await someTime(world, random);
  },
  visitorGoesAndPowerFails: async (world, random) => {
    await visits(world, random);
    await restarted(world, random, random.chance(0.5) ? "killed" : "power_cut");
    await visits(world, random);
  },
  visitorsPassGoesAndComesBack: async (world, random) => {
    const visited = await visits(world, random);
    const [id, pass] =
      [...world.site.plan.passes].find(([, { number }]) => number === visited) ?? [];
    if (id === undefined || pass === undefined) return;
    await world.site.start();
    const { plan } = world.site;
    const others = [...plan.passes].filter(([other]) => other !== id);
    world.apply({ ...plan, passes: new Map(others) });
    await world.pass(random.between(2, 3_000), 500);
    world.apply({ ...world.site.plan, passes: new Map([...others, [id, pass]]) });
    await world.pass(random.between(2, 3_000), 500);
    await visits(world, random);
  },
  manyGo: async (world, random) => {
    for (let left = random.between(3, 20); left > 0; left -= 1) await goes(world, random);
    await someTime(world, random);
  },
};

async function goes(world: SyncWorld, random: Seeded): Promise<void> {
  const controller = pickOf(random, world.controllers);
  const door = controller && pickOf(random, controller.doors());
  const card = pickOf(random, cardNumbers);
  if (controller === undefined || door === undefined || card === undefined) return;
  await world.present(controller, door, card);
}

/** Somebody whose uses are counted, at a door that would open: which card it was. */
async function visits(world: SyncWorld, random: Seeded): Promise<number | undefined> {
  const openings = world.controllers.flatMap((controller) =>
    controller.doors().flatMap((door) =>
      cardNumbers.flatMap((card) => {
        const decision = controller.decide(door, card);
        const isCounted = decision?.kind === "granted" && decision.use !== undefined;
        return isCounted ? [{ controller, door, card }] : [];
      }),
    ),
  );
  const one = pickOf(random, openings);
  if (one !== undefined) await world.present(one.controller, one.door, one.card);
  return one?.card;
}

async function restarted(
  world: SyncWorld,
  random: Seeded,
  how: "killed" | "power_cut",
): Promise<void> {
  const controller = pickOf(random, world.controllers);
  controller?.die(how);
  await someTime(world, random);
  await controller?.start();
  await someTime(world, random);
}

const networkMoves: Readonly<Record<string, Move>> = {
  weatherChanges: async (world, random) => {
    const chance = () => (random.chance(0.4) ? 0 : random.next() * 0.5);
    const isFair = random.chance(0.4);
    world.broker.weather = isFair ? fair : { lost: chance(), doubled: chance(), late: chance() };
    await someTime(world, random);
  },
  linkIsCutOrMended: async (world, random) => {
    const one = pickOf(random, [world.site, ...world.controllers]);
    if (random.chance(0.4)) one?.linkDown();
    else one?.linkUp();
    await someTime(world, random);
  },
  linkFlaps: async (world, random) => {
    const one = pickOf(random, [world.site, ...world.controllers]);
    one?.linkDown();
    await world.turn(random.between(0, 20));
    one?.linkUp();
    await someTime(world, random);
  },
  brokerForgets: async (world) => {
    world.broker.forgetRetained();
    await world.turn(1);
  },
  brokerIsAwayForAWeek: async (world, random) => {
    const everybody = [world.site, ...world.controllers];
    for (const one of everybody) one.linkDown();
    if (random.chance(0.5)) world.broker.forgetRetained();
    for (let day = 0; day < 7; day += 1) {
      if (random.chance(0.5)) {
        await world.site.start();
        world.apply(anyOf(random)(world.site.plan, random, world.clock.wall().at));
      }
      for (let left = random.between(0, 6); left > 0; left -= 1) await goes(world, random);
      await world.pass(24 * hourMs, 6 * hourMs);
    }
    for (const one of everybody) one.linkUp();
    await someTime(world, random);
  },
};

const timeMoves: Readonly<Record<string, Move>> = {
  secondsPass: (world, random) => world.pass(random.between(1, 10_000)),
  minutesPass: (world, random) => world.pass(random.between(60_000, 1_200_000), 20_000),
  hoursPass: (world, random) => world.pass(random.between(1, 12) * hourMs, hourMs / 2),
  allClearsUp: (world) => world.clearUp(),
};

export const moves: Readonly<Record<string, Move>> = {
  ...siteMoves,
  ...controllerMoves,
  ...networkMoves,
  ...attackerMoves,
  ...timeMoves,
};

/** How likely each is where a seed does not say otherwise; 1 where it is not here. */
export const weights: Readonly<Record<string, number>> = {
  passIsMade: 2,
  passIsSwitched: 2,
  crowdComesOrGoes: 0.02,
  siteHandsOverItsKey: 1.5,
  siteIsSetBack: 1.5,
  siteLosesItsTables: 0.3,
  controllerIsKilled: 2,
  controllerDiesInTheMiddle: 3,
  someoneGoes: 3,
  manyGo: 2,
  visitorsGo: 2,
  visitorGoesAndPowerFails: 2,
  visitorsPassGoesAndComesBack: 2,
  weatherChanges: 2,
  linkIsCutOrMended: 3,
  brokerIsAwayForAWeek: 1,
  secondsPass: 3,
  allClearsUp: 0.7,
};
