import type { Seeded } from "../../../hal/sim/seeded.ts";
import { type MobileLife, type Move, places } from "./life.ts";

const anyPhone = (life: MobileLife, random: Seeded) => random.between(0, life.phones.length - 1);

export const moves = {
  someoneComes: (life, random) => life.hold(anyPhone(life, random), random.pick(places), "present"),
  regularComes: (life, random) => life.hold(random.between(0, 1), random.pick(places), "present"),
  severalCome: (life, random) => {
    const place = random.pick(places);
    for (let index = 0; index < life.phones.length; index += 1) life.hold(index, place, "present");
  },
  someoneAsksToEnrol: (life, random) =>
    life.hold(anyPhone(life, random), random.pick(places), "enrol"),
  regularAsksToEnrol: (life, random) =>
    life.hold(random.between(0, 1), random.pick(places), "enrol"),
  siteEnrols: (life, random) => life.enrolAt(random.pick(places)),
  passIsTurned: (life, random) => life.turnPass(anyPhone(life, random)),
  userIsSuspendedOrNot: (life) => life.turnSuspension(),
  cardIsTapped: (life, random) => life.tapCard(random.pick(places)),
  someoneConnectsAndIsSilent: (life, random) => life.annoy(random.pick(places), "silence"),
  someoneMakesNoise: (life, random) => life.annoy(random.pick(places), "noise"),
  radioFails: (life, random) => life.failRadio(random.pick(places)),
  radiosRecover: (life) => life.recoverRadios(),
  airTurns: (life) => life.turnAir(),
  halfAMinutePasses: (life, random) => life.pass(random.between(10_000, 40_000)),
  aMomentPasses: (life, random) => life.pass(random.between(1, 200)),
  aSecondPasses: (life, random) => life.pass(random.between(200, 2_000)),
  secondsPass: (life, random) => life.pass(random.between(2_000, 10_000)),
} satisfies Readonly<Record<string, Move>>;
