import type { DoorInput, DoorOwnEvent } from "../../../src/core/door-machine.ts";
import type { DoorSettings } from "../../../src/domain/access.ts";
import { isChatter } from "./is-chatter.ts";
import { allowedAgain, limitAt, type Opening, watchOpening } from "./opening.ts";
import { RexJudge, type RexReading } from "./rex-judge.ts";
import type { Verdict } from "./verdict.ts";

/*
 * The limits, written down a second time on purpose: a change in the product must be made here as
 * well, by somebody who means it.
 */
const boltFallMs = 250;
const contactChatter = { changeCount: 8, windowMs: 10_000, quietMs: 10_000 };
const contactStuckCount = 10;
const foundFaultTellMs = 1_000;

type Kind = DoorOwnEvent["kind"];
export type ContactReading = "open" | "closed" | "cut" | "shorted";

/**
 * What a door has to do, worked out from what happened to it. It knows the bolt, the button and the
 * contact, and nothing of the machine's state.
 */
export class Judge {
  strikeSince: number | undefined;
  isHeldUnlocked = false;
  /** When a strike that is released and not held has to be secured, if nothing else happens. */
  secureBy = 0;
  #securedAt = Number.NEGATIVE_INFINITY;
  #awaitsEntry = false;
  #extraMs = 0;
  #unusedGrantCount = 0;
  #contact: ContactReading | "none";
  #opening: Opening | undefined;
  /** The last few; older ones cannot count. */
  #contactChanges: number[] = [];
  #contactQuietAt: number | undefined;
  #faultFoundAt: number | undefined;
  /** What nobody was there to see, or nobody believed: was it forced, if the leaf is open now? */
  #wouldHaveBeenForced = false;
  readonly #rex: RexJudge;
  /** A contact's change is stamped with its first edge; the bolt does not rise again for it. */
  #latest = Number.NEGATIVE_INFINITY;
  #kinds: Kind[] = [];
  #passages: ("made" | "not_made")[] = [];
  readonly #tell = (kind: Kind) => this.#kinds.push(kind);

  constructor(
    settings: DoorSettings,
    found: { readonly leaf: ContactReading | "no_contact"; readonly rex: RexReading },
    now: number,
  ) {
    this.#contact = found.leaf === "no_contact" ? "none" : found.leaf;
    if (found.leaf === "open") this.#open(settings, false, now);
    if (found.leaf === "cut" || found.leaf === "shorted") this.#faultFoundAt = now;
    this.#rex = new RexJudge(found.rex, now);
  }

  /** Whether a leaf that opens now has to be called forced: the bolt holds and nobody asked to leave. */
  wouldBeForced(now: number): boolean {
    return this.#boltHolds(now) && !this.#rex.explainsAnOpening(now);
  }

  /** Whether the contact is believed and says that the leaf is open. */
  knowsOpen(now: number): boolean {
    return this.#isTrusted(now) && this.#contact === "open";
  }

  /** What a grant now is journalled as. */
  reason(now: number): string {
    if (this.knowsOpen(now)) return "granted_leaf_open";
    return this.strikeSince === undefined ? "granted" : "granted_already_unlocked";
  }

  /** Nobody tries a strike that somebody holds released, or under a leaf that stands open. */
  refusesPulse(now: number): boolean {
    return this.isHeldUnlocked || this.knowsOpen(now);
  }

  take(settings: DoorSettings, input: DoorInput, now: number): Verdict {
    this.#kinds = [];
    this.#passages = [];
    this.#latest = Math.max(this.#latest, now);
    this.#passTime(settings, now);
    if (input.kind === "grant") this.#grant(settings, input.extraMs, now);
    if (input.kind === "hold_unlocked") this.#hold(settings, now);
    if (input.kind === "end_hold") this.#endHold(settings, now);
    if (input.kind === "secure_now") this.#secureNow(settings, now);
    if (input.kind === "pulse" && !this.refusesPulse(now))
      this.#release(settings, input.forMs, now);
    if (input.kind === "leaf") this.#moveLeaf(settings, input.leaf, now);
    if (input.kind === "rex") this.#moveRex(settings, input.state, now);
    this.#relock(settings, now);
    this.#passTime(settings, now);
    if (!this.wouldBeForced(now) && this.#isAtFault) this.#wouldHaveBeenForced = false;
    const isKnownShut = this.#isTrusted(now) && this.#contact === "closed";
    return {
      strike: this.strikeSince === undefined ? "secured" : "released",
      alarm: this.#alarm(),
      kinds: this.#kinds,
      passages: this.#passages,
      isShut: this.#boltHolds(this.#latest) && (isKnownShut || this.#contact === "none"),
      troubles: this.#troubles(),
    };
  }

  get #isAtFault(): boolean {
    return this.#contact === "cut" || this.#contact === "shorted";
  }

  #boltHolds(now: number): boolean {
    return this.strikeSince === undefined && now >= this.#securedAt + boltFallMs;
  }

  #isTrusted(now: number): boolean {
    const isQuiet = this.#contactQuietAt === undefined || now >= this.#contactQuietAt;
    return isQuiet && (this.#contact === "open" || this.#contact === "closed");
  }

  #alarm(): Verdict["alarm"] {
    if (this.#opening?.forced) return "alarm_forced";
    if (this.#opening?.isHeld) return "alarm_held";
    return this.#opening?.isWarned ? "warning_held" : "none";
  }

  #troubles(): readonly string[] {
    const troubles: string[] = [];
    if (this.#contactQuietAt !== undefined) troubles.push("contact_chatter");
    else if (this.#isAtFault) troubles.push(`contact_${this.#contact}`);
    else if (this.#unusedGrantCount >= contactStuckCount) troubles.push("contact_stuck");
    if (this.#rex.trouble !== undefined) troubles.push(this.#rex.trouble);
    return troubles;
  }

  #passTime(settings: DoorSettings, now: number): void {
    if (this.#contactQuietAt !== undefined && now >= this.#contactQuietAt) {
      this.#contactIsQuiet(settings, now);
    }
    if (this.#faultFoundAt !== undefined && now >= this.#faultFoundAt + foundFaultTellMs) {
      this.#tellContactFault();
    }
    if (this.#boltHolds(now)) this.#nobodyElseComes();
    // Who was granted at an unlocked door has no longer than at a locked one.
    const isOver = this.isHeldUnlocked && now >= this.secureBy + boltFallMs;
    if (isOver && this.#awaitsEntry) this.#nobodyElseComes();
    if (this.#opening !== undefined && this.#isTrusted(now))
      watchOpening(this.#opening, now, this.#tell);
    this.#rex.passTime(now, this.#tell);
  }

  #nobodyElseComes(): void {
    this.#extraMs = 0;
    if (!this.#awaitsEntry) return;
    this.#awaitsEntry = false;
    this.#passages.push("not_made");
    this.#kinds.push("door_not_entered");
    this.#unusedGrantCount += 1;
    if (this.#unusedGrantCount === contactStuckCount) this.#kinds.push("contact_stuck");
  }

  /** `extraMs`: undefined where the opening was forced, which allows it the threshold alone. */
  #limit(settings: DoorSettings, extraMs: number | undefined, now: number): Opening["limit"] {
    if (this.isHeldUnlocked && settings.heldOpenWatch === "while_locked") return undefined;
    const allowed = extraMs === undefined ? 0 : settings.unlockMs + extraMs;
    return limitAt(settings, now + settings.heldOpenMs + allowed);
  }

  #open(settings: DoorSettings, forced: boolean, now: number): void {
    this.#opening = {
      forced,
      limit: this.#limit(settings, forced ? undefined : this.#extraMs, now),
      isRelockAwaited: false,
      failsToRelockAt: undefined,
      isHeld: false,
      isWarned: false,
      isTold: forced,
    };
  }

  #grant(settings: DoorSettings, extraMs: number, now: number): void {
    if (this.knowsOpen(now)) {
      this.#passages.push("made");
      const limit = this.#limit(settings, extraMs, now);
      this.#opening = this.#opening && allowedAgain(settings, this.#opening, limit);
      return;
    }
    this.#extraMs = this.#awaitsEntry ? Math.max(this.#extraMs, extraMs) : extraMs;
    this.#awaitsEntry = this.#isTrusted(now) && this.#contact === "closed";
    if (!this.#awaitsEntry) this.#passages.push("made");
    this.#release(settings, settings.unlockMs + extraMs, now);
  }

  #hold(settings: DoorSettings, now: number): void {
    if (this.isHeldUnlocked) return;
    this.isHeldUnlocked = true;
    if (this.strikeSince === undefined) this.secureBy = now;
    this.strikeSince ??= now;
    const opening = this.#opening;
    if (opening === undefined) return;
    opening.failsToRelockAt = undefined;
    const isAllowed = settings.heldOpenWatch === "while_locked";
    if (!isAllowed && (opening.isHeld || !opening.isRelockAwaited)) return;
    opening.isRelockAwaited = false;
    opening.isHeld = false;
    opening.isWarned = false;
    opening.limit = this.#limit(settings, 0, now);
  }

  #endHold(settings: DoorSettings, now: number): void {
    if (!this.isHeldUnlocked) return;
    this.#holdIsOver(settings, now);
    if (this.needsStrike(settings, now)) {
      this.secureBy = Math.max(this.secureBy, now + settings.unlockMs);
    }
    if (now >= this.secureBy) {
      this.#secure(now);
    } else {
      this.strikeSince = now;
      this.secureBy = Math.min(this.secureBy, now + settings.strikeOnMaxMs);
    }
  }

  #secureNow(settings: DoorSettings, now: number): void {
    const wasHeld = this.isHeldUnlocked;
    if (wasHeld) this.#holdIsOver(settings, now);
    if (!this.lockdownWaits(settings)) {
      this.#secure(now);
    } else if (this.strikeSince !== undefined) {
      if (wasHeld) this.strikeSince = now;
      const atMost = Math.min(now + settings.unlockMs, this.strikeSince + settings.strikeOnMaxMs);
      this.secureBy = wasHeld ? atMost : Math.min(this.secureBy, atMost);
    }
  }

  /** Somebody is leaving at this moment: a lockdown lets him out. */
  lockdownWaits(settings: DoorSettings): boolean {
    return settings.rex === "admit" && this.#rex.isHeldByAPerson;
  }

  /** He stands at the button, and before a leaf that may well be shut. */
  needsStrike(settings: DoorSettings, now: number): boolean {
    return this.lockdownWaits(settings) && !this.knowsOpen(now);
  }

  #holdIsOver(settings: DoorSettings, now: number): void {
    this.isHeldUnlocked = false;
    const opening = this.#opening;
    if (opening === undefined) return;
    const at = now + settings.heldOpenMs;
    if (opening.isHeld) {
      opening.failsToRelockAt = at;
      return;
    }
    opening.isWarned = false;
    opening.isRelockAwaited = true;
    opening.limit = limitAt(settings, at);
  }

  #release(settings: DoorSettings, forMs: number, now: number): void {
    const isOverdue =
      this.strikeSince !== undefined && now >= this.strikeSince + settings.strikeOnMaxMs;
    if (this.strikeSince === undefined) this.secureBy = now;
    if (this.strikeSince === undefined || isOverdue) this.strikeSince = now;
    this.secureBy = Math.max(this.secureBy, now + forMs);
    const coilLimit = this.strikeSince + settings.strikeOnMaxMs;
    if (!this.isHeldUnlocked) this.secureBy = Math.min(coilLimit, this.secureBy);
  }

  #relock(settings: DoorSettings, now: number): void {
    if (this.strikeSince === undefined || this.isHeldUnlocked || now < this.secureBy) return;
    const coilLimit = this.strikeSince + settings.strikeOnMaxMs;
    if (now < coilLimit && this.needsStrike(settings, now)) {
      this.secureBy = Math.min(now + settings.unlockMs, coilLimit);
    } else this.#secure(now);
  }

  #secure(now: number): void {
    if (this.strikeSince === undefined) return;
    this.strikeSince = undefined;
    this.#securedAt = now;
  }

  #moveLeaf(settings: DoorSettings, to: ContactReading, now: number): void {
    if (this.#contact === "none" || this.#contact === to) return;
    const wasKnownOpen = this.knowsOpen(now);
    this.#contactSays(settings, to, now);
    // Whoever stands at the button needed nothing while it was open, and now he does.
    if (!wasKnownOpen || !this.needsStrike(settings, now)) return;
    if (this.strikeSince === undefined) this.#kinds.push("rex_admitted");
    this.#release(settings, settings.unlockMs, now);
  }

  #contactSays(settings: DoorSettings, to: ContactReading, now: number): void {
    const was = this.#contact;
    const wasFoundUntold = this.#faultFoundAt !== undefined;
    const forced = this.wouldBeForced(now);
    this.#contact = to;
    this.#faultFoundAt = undefined;
    if (to === "closed") {
      if (this.isHeldUnlocked && !this.#awaitsEntry) this.#extraMs = 0;
    } else {
      if (this.#awaitsEntry) this.#passages.push("made");
      this.#awaitsEntry = false;
      // What is seen open from a wire that was at fault was opened before, and judged by then.
      if (was === "closed") this.#wouldHaveBeenForced = forced;
    }
    if (this.#contactRattles(now)) {
      this.#unusedGrantCount = 0;
      return;
    }
    if (this.#isAtFault) {
      this.#unusedGrantCount = 0;
      this.#tellContactFault();
    } else if (was === "cut" || was === "shorted") {
      if (!wasFoundUntold) this.#kinds.push("contact_recovered");
      this.#trustContactAgain(settings, now);
    } else {
      this.#leafMoved(settings, to === "open" ? "open" : "closed", forced, now);
      this.#relockOnLeaf(settings, to, now);
    }
  }

  #relockOnLeaf(settings: DoorSettings, to: ContactReading, now: number): void {
    const isRelock =
      (to === "open" && settings.relock === "on_open") ||
      (to === "closed" && settings.relock === "on_close");
    if (!isRelock || this.needsStrike(settings, now)) return;
    if (this.isHeldUnlocked) this.secureBy = now;
    else this.#secure(now);
  }

  #leafMoved(settings: DoorSettings, to: "open" | "closed", forced: boolean, now: number): void {
    if (to === "closed") {
      this.#close();
      return;
    }
    if (this.#unusedGrantCount >= contactStuckCount) this.#kinds.push("contact_recovered");
    this.#unusedGrantCount = 0;
    if (forced) this.#kinds.push("door_forced");
    this.#open(settings, forced, now);
  }

  /** Whether this change is one of a contact that is not believed. */
  #contactRattles(now: number): boolean {
    if (this.#contactQuietAt === undefined) {
      this.#contactChanges = [...this.#contactChanges.slice(1 - contactChatter.changeCount), now];
      if (!isChatter(contactChatter, this.#contactChanges, now)) return false;
      this.#contactChanges = [];
      this.#kinds.push("contact_chatter");
    }
    this.#contactQuietAt = now + contactChatter.quietMs;
    return true;
  }

  #close(): void {
    if (this.#opening?.isTold) this.#kinds.push("door_secured");
    this.#opening = undefined;
  }

  #tellContactFault(): void {
    this.#faultFoundAt = undefined;
    if (this.#contact === "cut" || this.#contact === "shorted") {
      this.#kinds.push(`contact_${this.#contact}`);
    }
  }

  #contactIsQuiet(settings: DoorSettings, now: number): void {
    this.#contactQuietAt = undefined;
    if (this.#isAtFault) {
      this.#tellContactFault();
      return;
    }
    this.#kinds.push("contact_recovered");
    this.#trustContactAgain(settings, now);
  }

  #trustContactAgain(settings: DoorSettings, now: number): void {
    if (this.#contact === "closed") this.#close();
    else if (!this.#opening?.isTold) {
      if (this.#wouldHaveBeenForced) this.#kinds.push("door_forced");
      this.#open(settings, this.#wouldHaveBeenForced, now);
    }
  }

  #moveRex(settings: DoorSettings, to: RexReading, now: number): void {
    const exit = this.#rex.move(settings, to, now, this.#tell);
    if (exit === "no_press") return;
    if (settings.rex === "admit" && !this.knowsOpen(now)) {
      const isUnlocked = this.strikeSince !== undefined;
      if (exit === "new_exit" || !isUnlocked) this.#kinds.push("rex_admitted");
      this.#release(settings, settings.unlockMs, now);
    } else if (exit === "new_exit") {
      this.#kinds.push("rex_reported");
    }
  }
}
