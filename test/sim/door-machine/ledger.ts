import type { DoorEffect } from "../../../src/core/door-machine.ts";

type Kind = Extract<DoorEffect, { readonly kind: "event" }>["event"]["kind"];

const troubleOf: Partial<Record<Kind, { readonly trouble: string; readonly isRaised: boolean }>> = {
  rex_stuck: { trouble: "rex", isRaised: true },
  rex_chatter: { trouble: "rex", isRaised: true },
  rex_recovered: { trouble: "rex", isRaised: false },
  contact_chatter: { trouble: "contact", isRaised: true },
  contact_recovered: { trouble: "contact", isRaised: false },
};

/**
 * What the site, the lock and the lamps make of the effects alone: whatever is raised is raised once
 * and ended once, and nothing is commanded that already was. Returns what does not add up.
 */
export class Ledger {
  #strike = "secured";
  #indication = "alarm_cleared";
  #isAlarmed = false;
  readonly #troubles = new Set<string>();

  get indication(): string {
    return this.#indication;
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
    if (effect.kind === "passage") return undefined;
    const { kind } = effect.event;
    if (kind === "door_forced" && this.#isAlarmed) return "forced was raised during an alarm";
    if (kind === "door_secured" && !this.#isAlarmed) return "an alarm ended that was never raised";
    if (kind === "door_forced" || kind === "door_held") this.#isAlarmed = true;
    if (kind === "door_secured") this.#isAlarmed = false;
    const change = troubleOf[kind];
    if (change === undefined) return undefined;
    if (this.#troubles.has(change.trouble) === change.isRaised) return `${kind} came out of turn`;
    if (change.isRaised) this.#troubles.add(change.trouble);
    else this.#troubles.delete(change.trouble);
    return undefined;
  }
}
