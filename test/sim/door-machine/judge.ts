import type { DoorInput, DoorOwnEvent } from "../../../src/core/door-machine.ts";
import type { DoorSettings } from "../../../src/domain/access.ts";

/*
 * The limits, written down a second time on purpose: a change in the product must be made here as
 * well, by somebody who means it.
 */
const boltFallMs = 250;
const contactChatter = { changeCount: 8, windowMs: 10_000, quietMs: 10_000 };
const rexChatter = { changeCount: 20, windowMs: 10_000, quietMs: 10_000 };
const rexStuckMs = 60_000;

type Kind = DoorOwnEvent["kind"];

/** What must be true once one input has been dealt with. */
export interface Verdict {
  readonly strike: "secured" | "released";
  readonly alarm: "none" | "warning_held" | "alarm_held" | "alarm_forced";
  readonly kinds: readonly Kind[];
}

/** One opening of the leaf, as the site has to hear of it. */
interface Opening {
  readonly forced: boolean;
  warnAt: number | undefined;
  heldAt: number;
  isHeld: boolean;
  isWarned: boolean;
  isTold: boolean;
}

/**
 * What a door has to do, worked out from what happened to it. It knows the bolt, the button and the
 * contact, and nothing of the machine's state.
 */
export class Judge {
  strikeSince: number | undefined;
  #secureBy = 0;
  #securedAt = Number.NEGATIVE_INFINITY;
  #awaitsEntry = false;
  #contact: "open" | "closed" | "none";
  #opening: Opening | undefined;
  /** The last few; older ones cannot count. */
  #contactChanges: number[] = [];
  #contactQuietAt: number | undefined;
  #lastOpeningWasForced = false;
  #rexSince: number | undefined;
  #rexUntil = Number.NEGATIVE_INFINITY;
  #rexChanges: number[] = [];
  #rexQuietAt: number | undefined;
  #rexIsStuck = false;
  #kinds: Kind[] = [];

  constructor(
    settings: DoorSettings,
    found: { readonly leaf: "open" | "closed" | "no_contact"; readonly rex: "pressed" | "idle" },
    now: number,
  ) {
    this.#contact = found.leaf === "no_contact" ? "none" : found.leaf;
    if (found.leaf === "open") this.#open(settings, false, now);
    if (found.rex === "pressed") this.#rexSince = now;
  }

  /** Whether a leaf that opens now has to be called forced: the bolt holds and nobody asked to leave. */
  wouldBeForced(now: number): boolean {
    const boltHolds = this.strikeSince === undefined && now >= this.#securedAt + boltFallMs;
    const someoneLeaves = this.#rexSince !== undefined || now < this.#rexUntil;
    return boltHolds && !someoneLeaves;
  }

  /** What a grant now is journalled as. */
  reason(now: number): string {
    const isTrusted = this.#contactQuietAt === undefined || now >= this.#contactQuietAt;
    if (isTrusted && this.#contact === "open") return "granted_leaf_open";
    return this.strikeSince === undefined ? "granted" : "granted_already_unlocked";
  }

  take(settings: DoorSettings, input: DoorInput, now: number): Verdict {
    this.#kinds = [];
    this.#passTime(settings, now);
    if (input.kind === "grant") this.#grant(settings, now);
    if (input.kind === "leaf") this.#moveLeaf(settings, input.leaf, now);
    if (input.kind === "rex") this.#moveRex(settings, input.state, now);
    if (this.strikeSince !== undefined && now >= this.#secureBy) this.#secure(now);
    this.#passTime(settings, now);
    return {
      strike: this.strikeSince === undefined ? "secured" : "released",
      alarm: this.#alarm(),
      kinds: this.#kinds,
    };
  }

  #alarm(): Verdict["alarm"] {
    if (this.#opening?.forced) return "alarm_forced";
    if (this.#opening?.isHeld) return "alarm_held";
    return this.#opening?.isWarned ? "warning_held" : "none";
  }

  #passTime(settings: DoorSettings, now: number): void {
    if (this.#contactQuietAt !== undefined && now >= this.#contactQuietAt) {
      this.#trustContactAgain(settings, now);
    }
    const isTrusted = this.#contactQuietAt === undefined;
    const boltIsHome = this.strikeSince === undefined && now >= this.#securedAt + boltFallMs;
    if (boltIsHome && this.#awaitsEntry) {
      this.#awaitsEntry = false;
      if (isTrusted && this.#contact === "closed") this.#kinds.push("door_not_entered");
    }
    if (isTrusted && this.#opening !== undefined) this.#watchOpening(this.#opening, now);
    if (this.#rexQuietAt !== undefined && now >= this.#rexQuietAt) {
      this.#rexQuietAt = undefined;
      this.#kinds.push("rex_recovered");
    }
    const isHeldDown = this.#rexSince !== undefined && now >= this.#rexSince + rexStuckMs;
    if (isHeldDown && !this.#rexIsStuck) {
      this.#rexIsStuck = true;
      this.#kinds.push("rex_stuck");
    }
  }

  #watchOpening(opening: Opening, now: number): void {
    if (opening.isHeld) return;
    if (opening.warnAt !== undefined && now >= opening.warnAt && !opening.isWarned) {
      opening.isWarned = true;
      this.#kinds.push("door_held_warning");
    }
    if (now >= opening.heldAt) {
      opening.isHeld = true;
      opening.isTold = true;
      this.#kinds.push("door_held");
    }
  }

  #open(settings: DoorSettings, forced: boolean, now: number): void {
    const heldAt = now + (forced ? 0 : settings.unlockMs) + settings.heldOpenMs;
    const warnAt =
      settings.heldOpenWarningMs === 0 ? undefined : heldAt - settings.heldOpenWarningMs;
    this.#opening = { forced, warnAt, heldAt, isHeld: false, isWarned: false, isTold: forced };
  }

  #grant(settings: DoorSettings, now: number): void {
    if (this.#contactQuietAt === undefined && this.#contact === "open") {
      const { forced, isTold } = this.#opening ?? { forced: false, isTold: false };
      this.#open(settings, false, now);
      if (this.#opening !== undefined) this.#opening = { ...this.#opening, forced, isTold };
      return;
    }
    this.#awaitsEntry = true;
    this.#release(settings, now);
  }

  #release(settings: DoorSettings, now: number): void {
    if (this.strikeSince === undefined) {
      this.strikeSince = now;
      this.#secureBy = now;
    }
    const coilLimit = this.strikeSince + settings.strikeOnMaxMs;
    this.#secureBy = Math.min(coilLimit, Math.max(this.#secureBy, now + settings.unlockMs));
  }

  #secure(now: number): void {
    if (this.strikeSince === undefined) return;
    this.strikeSince = undefined;
    this.#securedAt = now;
  }

  #moveLeaf(settings: DoorSettings, leaf: "open" | "closed", now: number): void {
    if (this.#contact === "none" || this.#contact === leaf) return;
    const forced = this.wouldBeForced(now);
    this.#contact = leaf;
    if (leaf === "open") {
      this.#awaitsEntry = false;
      this.#lastOpeningWasForced = forced;
    }
    if (this.#contactQuietAt !== undefined) {
      this.#contactQuietAt = now + contactChatter.quietMs;
      return;
    }
    this.#contactChanges = [...this.#contactChanges.slice(1 - contactChatter.changeCount), now];
    if (isChatter(contactChatter, this.#contactChanges, now)) {
      this.#contactQuietAt = now + contactChatter.quietMs;
      this.#contactChanges = [];
      this.#kinds.push("contact_chatter");
      return;
    }
    if (leaf === "open") {
      if (forced) this.#kinds.push("door_forced");
      this.#open(settings, forced, now);
      if (settings.relock === "on_open") this.#secure(now);
    } else {
      this.#close();
      if (settings.relock === "on_close") this.#secure(now);
    }
  }

  #close(): void {
    if (this.#opening?.isTold) this.#kinds.push("door_secured");
    this.#opening = undefined;
  }

  #trustContactAgain(settings: DoorSettings, now: number): void {
    this.#contactQuietAt = undefined;
    this.#kinds.push("contact_recovered");
    if (this.#contact === "closed") this.#close();
    else if (!this.#opening?.isTold) {
      if (this.#lastOpeningWasForced) this.#kinds.push("door_forced");
      this.#open(settings, this.#lastOpeningWasForced, now);
    }
  }

  #moveRex(settings: DoorSettings, position: "pressed" | "idle", now: number): void {
    if ((position === "pressed") === (this.#rexSince !== undefined)) return;
    const isNewExit = position === "pressed" && now >= this.#rexUntil;
    if (position === "pressed") {
      this.#rexSince = now;
    } else {
      this.#rexSince = undefined;
      this.#rexUntil = now + settings.unlockMs;
      if (this.#rexIsStuck) this.#kinds.push("rex_recovered");
      this.#rexIsStuck = false;
    }
    this.#watchRexChatter(now);
    if (position === "idle") return;
    const leafStandsOpen = this.#contactQuietAt === undefined && this.#contact === "open";
    if (settings.rex === "admit" && !leafStandsOpen) {
      if (isNewExit || this.strikeSince === undefined) this.#kinds.push("rex_admitted");
      this.#release(settings, now);
    } else if (isNewExit) {
      this.#kinds.push("rex_reported");
    }
  }

  #watchRexChatter(now: number): void {
    if (this.#rexQuietAt !== undefined) {
      this.#rexQuietAt = now + rexChatter.quietMs;
      return;
    }
    this.#rexChanges = [...this.#rexChanges.slice(1 - rexChatter.changeCount), now];
    if (!isChatter(rexChatter, this.#rexChanges, now)) return;
    this.#rexQuietAt = now + rexChatter.quietMs;
    this.#rexChanges = [];
    this.#kinds.push("rex_chatter");
  }
}

/** `now` is among the `changes`. */
function isChatter(
  limits: { readonly changeCount: number; readonly windowMs: number },
  changes: readonly number[],
  now: number,
): boolean {
  return changes.filter((at) => now - at < limits.windowMs).length >= limits.changeCount;
}
