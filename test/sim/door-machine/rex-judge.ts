import type { DoorOwnEvent } from "../../../src/core/door-machine.ts";
import type { DoorSettings } from "../../../src/domain/access.ts";
import { isChatter } from "./is-chatter.ts";

/* Limits of the product, written down a second time on purpose: see judge.ts. */
const rexChatter = { changeCount: 20, windowMs: 10_000, quietMs: 10_000 };
const rexStuckMs = 60_000;
const foundFaultTellMs = 1_000;

export type RexReading = "pressed" | "idle" | "cut" | "shorted";

type Tell = (kind: DoorOwnEvent["kind"]) => void;

/** What a request-to-exit has to be called, worked out from what its wires said and when. */
export class RexJudge {
  #reading: RexReading;
  #since: number;
  /** Until when an opening belongs to whoever pressed last. */
  #explainsUntil = Number.NEGATIVE_INFINITY;
  /** What the site has been told of, and not yet of its end. */
  #told: "nothing" | "stuck" | "cut" | "shorted" | "chatter" = "nothing";
  #isStuck = false;
  #faultFoundAt: number | undefined;
  #changes: number[] = [];
  #quietAt = 0;

  constructor(found: RexReading, now: number) {
    this.#reading = found;
    this.#since = now;
    if (found === "cut" || found === "shorted") this.#faultFoundAt = now;
  }

  /** Somebody may be on the way out: pressed, or nobody can tell, or let go a moment ago. */
  explainsAnOpening(now: number): boolean {
    return this.#reading !== "idle" || now < this.#explainsUntil;
  }

  /** Somebody stands at it, as far as it can be believed: not for a minute, and over a sound wire. */
  get isHeldByAPerson(): boolean {
    return this.#reading === "pressed" && !this.#isStuck;
  }

  get trouble(): string | undefined {
    if (this.#told !== "nothing") return `rex_${this.#told}`;
    return this.#faultFoundAt === undefined ? undefined : `rex_${this.#reading}`;
  }

  /** Whether it is a press, and whether of somebody who was not leaving already. */
  move(
    settings: DoorSettings,
    to: RexReading,
    now: number,
    tell: Tell,
  ): "no_press" | "same_exit" | "new_exit" {
    if (to === this.#reading) return "no_press";
    const wasAtFault = this.#reading === "cut" || this.#reading === "shorted";
    const isNew = wasAtFault || !this.explainsAnOpening(now);
    this.#faultFoundAt = undefined;
    this.#reading = to;
    this.#isStuck = false;
    this.#since = now;
    if (to === "idle") this.#explainsUntil = now + settings.unlockMs;
    this.#tellChange(to, now, tell);
    if (to !== "pressed") return "no_press";
    return isNew ? "new_exit" : "same_exit";
  }

  passTime(now: number, tell: Tell): void {
    if (this.#told === "chatter" && now >= this.#quietAt) {
      this.#told = "nothing";
      if (this.#reading === "cut" || this.#reading === "shorted") this.#tellFault(tell);
      else tell("rex_recovered");
    }
    if (this.#faultFoundAt !== undefined && now >= this.#faultFoundAt + foundFaultTellMs) {
      this.#tellFault(tell);
    }
    const isHeldDown = this.#reading === "pressed" && now >= this.#since + rexStuckMs;
    if (isHeldDown) this.#isStuck = true;
    if (isHeldDown && this.#told !== "stuck") {
      this.#told = "stuck";
      tell("rex_stuck");
    }
  }

  #tellChange(to: RexReading, now: number, tell: Tell): void {
    if (this.#told === "chatter") {
      this.#quietAt = now + rexChatter.quietMs;
      return;
    }
    this.#changes = [...this.#changes.slice(1 - rexChatter.changeCount), now];
    if (isChatter(rexChatter, this.#changes, now)) {
      this.#changes = [];
      this.#told = "chatter";
      this.#quietAt = now + rexChatter.quietMs;
      tell("rex_chatter");
    } else if (to === "cut" || to === "shorted") {
      this.#tellFault(tell);
    } else if (this.#told !== "nothing") {
      this.#told = "nothing";
      tell("rex_recovered");
    }
  }

  #tellFault(tell: Tell): void {
    this.#faultFoundAt = undefined;
    if (this.#reading !== "cut" && this.#reading !== "shorted") return;
    this.#told = this.#reading;
    tell(`rex_${this.#reading}`);
  }
}
