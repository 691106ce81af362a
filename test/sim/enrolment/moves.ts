import type { Seeded } from "../../../hal/sim/seeded.ts";
import { adaBits, bitsOf } from "../../unit/controller/door-rig.ts";
import { type EnrolmentLife, type Move, readers } from "./life.ts";

const cards = [adaBits, bitsOf(1), bitsOf(2), bitsOf(3)] as const;

function attemptFrom(random: Seeded): string {
  const hex = (count: number) =>
    random.bits(count * 4).replace(/.{4}/g, (bits) => Number.parseInt(bits, 2).toString(16));
  return `${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`;
}

const enrol = (life: EnrolmentLife, random: Seeded) => {
  const { reader } = random.pick(readers);
  const forMs = random.between(1, 60) * 1_000;
  life.ask({ kind: "enrol", attempt: attemptFrom(random), reader, forMs });
};

export const moves = {
  someoneEnrols: enrol,
  severalEnrol: (life, random) => {
    for (let count = random.between(2, 3); count > 0; count -= 1) enrol(life, random);
  },
  someoneCancels: (life, random) => {
    const begun = life.begun();
    const attempt = begun[random.between(0, Math.max(0, begun.length - 1))];
    if (attempt === undefined) return;
    // Sometimes at the reader of somebody else's.
    const reader = random.chance(0.3) ? random.pick(readers).reader : life.readerOf(attempt);
    if (reader !== undefined) life.ask({ kind: "cancel_enrolment", attempt, reader });
  },
  cardIsPresented: (life, random) => life.present(random.pick(readers).reader, random.pick(cards)),
  cardIsLeftThere: async (life, random) => {
    const { reader } = random.pick(readers);
    const card = random.pick(cards);
    for (let count = random.between(2, 4); count > 0; count -= 1) await life.present(reader, card);
  },
  pinIsTyped: (life, random) => life.type(random.pick(readers).reader),
  someoneTampers: (life, random) => life.tamper(random.pick(readers).reader),
  siteUnlocks: (life, random) => {
    const { door } = random.pick(readers);
    life.ask({ kind: "unlock", attempt: attemptFrom(random), door });
  },
  momentPasses: (life, random) => life.pass(random.between(1, 2_500)),
  secondsPass: (life, random) => life.pass(random.between(2_000, 30_000)),
  minutesPass: (life, random) => life.pass(random.between(30_000, 1_200_000)),
  controllerRestarts: (life) => life.restart(),
  brokerRepeats: (life) => life.replay(),
  lateOnesArrive: (life) => life.arriveLate(),
  weatherTurns: (life, random) => {
    const isFair = random.chance(0.5);
    const chance = () => (isFair ? 0 : random.next() * 0.4);
    life.setWeather({ lost: chance(), doubled: chance(), late: chance() });
  },
} satisfies Readonly<Record<string, Move>>;
