import { Seeded } from "./seeded.ts";

/** What becomes of one packet. The air brings packets whole, once and in order, or the link is lost. */
export type SimHop =
  | { readonly kind: "carried"; readonly delayMs: number }
  /** The link is lost, and both ends hear of it. */
  | { readonly kind: "cut" }
  /** The phone is out of range for good, and the reader's radio has not noticed yet. */
  | { readonly kind: "vanished" };

/** Asked for each packet, connecting included. */
export type SimAir = () => SimHop;

export const stillAir: SimAir = () => ({ kind: "carried", delayMs: 0 });

/** One in which packets take their time and links are lost, as the seed has it. */
export function seededAir(
  seed: number,
  rates: { readonly cut: number; readonly vanish: number; readonly delayMsMax: number },
): SimAir {
  const random = new Seeded(seed, "air");
  return () => {
    if (random.chance(rates.cut)) return { kind: "cut" };
    if (random.chance(rates.vanish)) return { kind: "vanished" };
    return { kind: "carried", delayMs: random.between(0, rates.delayMsMax) };
  };
}
