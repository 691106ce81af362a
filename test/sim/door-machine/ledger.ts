import type { DoorEffect } from "../../../src/core/door-machine.ts";

type Kind = Extract<DoorEffect, { readonly kind: "event" }>["event"]["kind"];

/** By the part of its name before the underscore: `contact_cut` is a trouble of the contact. */
const troubles: readonly Kind[] = [
  "rex_stuck",
  "rex_chatter",
  "rex_cut",
  "rex_shorted",
  "contact_stuck",
  "contact_chatter",
  "contact_cut",
  "contact_shorted",
];

/**
 * What the site, the lock and the lamps make of the effects alone: whatever is raised is raised once
 * and ended once, and nothing is commanded that already was. Returns what does not add up.
 */
export class Ledger {
  #strike = "secured";
  #indication = "alarm_cleared";
  #isAlarmed = false;
  #awaitsPassage = false;
  /** The trouble that the site believes each input to have. */
  readonly #troubles = new Map<string, Kind>();

  get indication(): string {
    return this.#indication;
  }

  /** Somebody was granted and it has not been said yet what came of it. */
  get awaitsPassage(): boolean {
    return this.#awaitsPassage;
  }

  /** What a grant's own step says: `not_made` is of those before it, `made` of all. */
  enterGrant(effects: readonly DoorEffect[]): string | undefined {
    const isOfEarlier = effects.some((one) => one.kind === "passage" && one.outcome === "not_made");
    if (!isOfEarlier) this.#awaitsPassage = true;
    const fault = this.enter(effects);
    if (isOfEarlier) this.#awaitsPassage = true;
    return fault;
  }

  enter(effects: readonly DoorEffect[]): string | undefined {
    const ranks = effects.map(({ kind }) =>
      ["strike", "indicate", "passage", "event"].indexOf(kind),
    );
    if (ranks.some((rank, index) => rank < (ranks[index - 1] ?? 0))) {
      return "the strike did not come first, then the indication, then the events";
    }
    for (const effect of effects) {
      const fault = this.#enterOne(effect);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #enterOne(effect: DoorEffect): string | undefined {
    if (effect.kind === "strike") {
      if (effect.command === this.#strike) return `the strike was ${effect.command} twice`;
      this.#strike = effect.command;
      return undefined;
    }
    if (effect.kind === "indicate") {
      if (effect.indication === this.#indication) return `${effect.indication} was shown twice`;
      this.#indication = effect.indication;
      return undefined;
    }
    if (effect.kind === "passage") {
      if (!this.#awaitsPassage) return "a passage was told that nobody was granted";
      this.#awaitsPassage = false;
      return undefined;
    }
    const { kind } = effect.event;
    if (kind === "door_forced" && this.#isAlarmed) return "forced was raised during an alarm";
    if (kind === "door_secured" && !this.#isAlarmed) return "an alarm ended that was never raised";
    if (["door_forced", "door_held", "door_failed_to_relock"].includes(kind))
      this.#isAlarmed = true;
    if (kind === "door_secured") this.#isAlarmed = false;
    return this.#enterTrouble(kind);
  }

  /** A graver trouble of an input may follow another; the end of the last is the end of all. */
  #enterTrouble(kind: Kind): string | undefined {
    const [input = ""] = kind.split("_");
    const told = this.#troubles.get(input);
    if (kind === "rex_recovered" || kind === "contact_recovered") {
      this.#troubles.delete(input);
      return told === undefined ? `${kind} came out of turn` : undefined;
    }
    if (!troubles.includes(kind)) return undefined;
    this.#troubles.set(input, kind);
    return told === kind ? `${kind} came twice` : undefined;
  }
}
