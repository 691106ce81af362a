import type { Shown } from "./ladder.ts";
import { digestOf } from "./plan.ts";

/** What comes out of a hand: a card, or digits on the keypad. */
export type Presentation =
  | { readonly card: NonNullable<Shown["card"]> }
  | { readonly digits: string };

/** What the rules make of it. */
export function shownBy(presentation: Presentation): Shown {
  if ("card" in presentation) return presentation;
  return { pin: digestOf(presentation.digits) };
}
