import type { Seeded } from "../../../hal/sim/seeded.ts";
import type { DoorEffect, DoorInput, DoorState, DoorStep } from "../../../src/core/door-machine.ts";
import type { DoorSettings } from "../../../src/domain/access.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { type ContactReading, Judge } from "./judge.ts";
import { Ledger } from "./ledger.ts";
import type { RexReading } from "./rex-judge.ts";
import type { Subject } from "./subject.ts";
import type { Verdict } from "./verdict.ts";

/** An invariant that did not hold; the message is for whoever replays the seed. */
export class BrokenInvariant extends Error {
  override readonly name = "BrokenInvariant";
}

export interface WorldOptions {
  readonly subject: Subject;
  readonly random: Seeded;
  /** Called with a line for each thing that happens. */
  readonly trace?: ((line: string) => void) | undefined;
}

type Wires = "sound" | "cut" | "shorted";

/** No timer of a machine may be due this often without time passing. */
const firingsWithoutTimeMax = 20;

/**
 * A door in a wall: a leaf, a bolt, a button, a crowbar, and a process that runs the machine and may
 * die. Its own truth is physical; after each input it holds the machine's answer against the judge's.
 */
export class DoorWorld {
  now: number;
  leafIsOpen = false;
  rexIsPressed = false;
  settings: DoorSettings;
  readonly eventCounts = new Map<string, number>();
  readonly #hasContact: boolean;
  readonly #options: WorldOptions;
  readonly #startedAt: number;
  /** A magnet on the contact: it says closed whatever the leaf does. */
  contactIsStuck = false;
  #contactWires: Wires = "sound";
  #rexWires: Wires = "sound";
  /** What was reported last. */
  #contact: ContactReading = "closed";
  #rex: RexReading = "idle";
  /** The most that any table in force during this release allowed. */
  #strikeOnMaxMs = 0;
  #state: DoorState;
  #judge: Judge;
  #ledger: Ledger;
  #timer: { readonly deadline: number; readonly firesAt: number } | undefined;

  constructor(options: WorldOptions) {
    const { random } = options;
    this.#options = options;
    this.now = random.between(0, 1_000_000_000);
    this.#startedAt = this.now;
    this.#hasContact = random.chance(0.85);
    this.leafIsOpen = random.chance(0.2);
    this.rexIsPressed = random.chance(0.1);
    if (random.chance(0.05)) this.#contactWires = random.pick(["cut", "shorted"]);
    if (random.chance(0.05)) this.#rexWires = random.pick(["cut", "shorted"]);
    this.settings = drawSettings(random);
    ({ state: this.#state, judge: this.#judge, ledger: this.#ledger } = this.#boot());
    this.#armTimer();
  }

  get isUnlocked(): boolean {
    return this.#judge.strikeSince !== undefined;
  }

  get isHeldUnlocked(): boolean {
    return this.#judge.isHeldUnlocked;
  }

  /** The bolt is home and nobody is about to leave: only force opens the leaf. */
  get needsForce(): boolean {
    return this.#judge.wouldBeForced(this.now);
  }

  get deadline(): number | undefined {
    return this.#options.subject.doorDeadline(this.#state);
  }

  grant(extraMs = 0): void {
    const reason = this.#options.subject.grantReason(this.#state, monotonicMs(this.now));
    const expected = this.#judge.reason(this.now);
    if (reason !== expected) throw broken(`a grant was called ${reason}, not ${expected}`);
    const why = `grant (${reason})${extraMs > 0 ? ` and ${extraMs} ms more` : ""}`;
    const effects = this.#feed({ kind: "grant", extraMs }, why);
    const isReleased = effects.some((one) => one.kind === "strike" && one.command === "released");
    if (isReleased !== (reason === "granted"))
      throw broken(`${reason}, but the strike said otherwise`);
  }

  /** A technician tries the strike. Whatever comes of it, it does not stay released for him. */
  pulse(forMs: number): void {
    const isRefused = this.#judge.refusesPulse(this.now);
    const effects = this.#feed({ kind: "pulse", forMs }, `pulse of ${forMs} ms`);
    if (!isRefused && !this.isUnlocked) throw broken("a pulse released nothing");
    if (isRefused && effects.some((one) => one.kind === "strike" && one.command === "released")) {
      throw broken("a pulse released what it must leave alone");
    }
  }

  /** What the posture makes of the door. */
  posture(kind: "hold_unlocked" | "end_hold" | "secure_now"): void {
    this.#feed({ kind }, kind.replace("_", " "));
    if (kind === "hold_unlocked" && !this.isUnlocked) throw broken("the hold released nothing");
    if (kind === "secure_now" && this.isUnlocked && !this.#judge.lockdownWaits(this.settings)) {
      throw broken("a lockdown left the door unlocked");
    }
  }

  /** Somebody moves the leaf; without `forced` the world vouches that nothing held it shut. */
  moveLeaf(to: "open" | "closed", how: "by_hand" | "by_force", debounceMs = 0): void {
    if (this.leafIsOpen === (to === "open")) return;
    this.leafIsOpen = to === "open";
    const at = this.now - debounceMs;
    const isByForce = this.#judge.wouldBeForced(at);
    const effects = this.#contactSays(
      this.#contactReads(),
      at,
      `leaf ${to} ${how.replace("_", " ")}`,
    );
    if (to === "open" && how === "by_hand" && !isByForce && hasEvent(effects, "door_forced")) {
      throw broken("an opening by hand was called forced");
    }
  }

  /** The contact changes `count` times, the leaf does not move. */
  rattleContact(count: number, pauseMs: () => number): void {
    if (this.#contactWires !== "sound") return;
    for (let change = 0; change < count; change += 1) {
      this.#contactSays(this.#contact === "open" ? "closed" : "open", this.now, "contact rattles");
      this.pass(pauseMs());
    }
    this.#contactSays(this.#contactReads(), this.now, "contact tells the truth again");
  }

  /** A wire of one input is cut, shorted or mended. */
  wire(input: "contact" | "rex", wires: Wires): void {
    if (input === "contact") {
      this.#contactWires = wires;
      this.#contactSays(this.#contactReads(), this.now, `contact wires ${wires}`);
    } else {
      this.#rexWires = wires;
      this.#rexSays(`rex wires ${wires}`);
    }
  }

  /** Somebody puts a magnet on the contact, or takes it away. */
  stickContact(isStuck: boolean): void {
    this.contactIsStuck = isStuck;
    this.#contactSays(this.#contactReads(), this.now, isStuck ? "magnet" : "no magnet");
  }

  pressRex(to: "pressed" | "idle"): void {
    this.rexIsPressed = to === "pressed";
    this.#rexSays(`rex ${to}`);
  }

  /** A timer that nobody armed, or a report of what was known. */
  repeat(what: "deadline" | "leaf" | "rex"): void {
    const isEarly = this.deadline === undefined || this.now < this.deadline;
    const input: DoorInput =
      what === "deadline"
        ? { kind: "deadline_reached" }
        : what === "leaf"
          ? { kind: "leaf", leaf: this.#contact }
          : { kind: "rex", state: this.#rex };
    const before = this.deadline;
    const effects = this.#feed(input, `${what}, again`);
    if (isEarly && (effects.length > 0 || before !== this.deadline)) {
      throw broken("a report of nothing new changed something");
    }
  }

  /** Lets time pass; timers fire in it, on time or late. */
  pass(ms: number): void {
    const until = this.now + ms;
    let firingCount = 0;
    while (this.#timer !== undefined && this.#timer.firesAt <= until) {
      firingCount = this.#timer.firesAt > this.now ? 0 : firingCount + 1;
      if (firingCount > firingsWithoutTimeMax) throw broken("the deadline never stops being due");
      this.now = Math.max(this.now, this.#timer.firesAt);
      this.#timer = undefined;
      this.#feed({ kind: "deadline_reached" }, "timer");
    }
    this.now = until;
  }

  /** The process dies and comes back `downMs` later: outputs secured, nothing remembered. */
  restart(downMs: number): void {
    this.#timer = undefined;
    this.now += downMs;
    this.#say("restart");
    ({ state: this.#state, judge: this.#judge, ledger: this.#ledger } = this.#boot());
    this.#checkDeadline(this.now);
    this.#armTimer();
  }

  newTable(): void {
    this.settings = drawSettings(this.#options.random);
    this.#strikeOnMaxMs = Math.max(this.#strikeOnMaxMs, this.settings.strikeOnMaxMs);
    this.#say(`new settings ${JSON.stringify(this.settings)}`);
  }

  #boot(): { readonly state: DoorState; readonly judge: Judge; readonly ledger: Ledger } {
    this.#contact = this.#contactReads();
    this.#rex = this.#rexReads();
    const leaf = this.#hasContact ? this.#contact : ("no_contact" as const);
    const found = { leaf, rex: this.#rex };
    this.#say(`start ${JSON.stringify({ ...found, ...this.settings })}`);
    return {
      state: this.#options.subject.initialDoor(this.settings, found, monotonicMs(this.now)),
      judge: new Judge(this.settings, found, this.now),
      ledger: new Ledger(),
    };
  }

  #contactReads(): ContactReading {
    if (this.#contactWires !== "sound") return this.#contactWires;
    return this.leafIsOpen && !this.contactIsStuck ? "open" : "closed";
  }

  #rexReads(): RexReading {
    if (this.#rexWires !== "sound") return this.#rexWires;
    return this.rexIsPressed ? "pressed" : "idle";
  }

  #contactSays(to: ContactReading, at: number, why: string): readonly DoorEffect[] {
    if (this.#contact === to) return [];
    this.#contact = to;
    return this.#hasContact ? this.#feed({ kind: "leaf", leaf: to }, why, at) : [];
  }

  #rexSays(why: string): void {
    const to = this.#rexReads();
    const isPress = to === "pressed" && this.#rex !== "pressed";
    this.#rex = to;
    const mayGo = this.#judge.knowsOpen(this.now);
    this.#feed({ kind: "rex", state: to }, why);
    const isAdmitted = this.settings.rex === "admit" && isPress;
    if (isAdmitted && !mayGo && !this.isUnlocked) throw broken("egress was refused");
  }

  #feed(input: DoorInput, why: string, at = this.now): readonly DoorEffect[] {
    const { subject } = this.#options;
    const strikeBefore = this.isUnlocked;
    const step = subject.stepDoor(this.settings, this.#state, input, monotonicMs(at));
    this.#state = step.state;
    this.#say(describe(why, step, this.deadline, at));
    this.#compare(input, step, strikeBefore, at);
    this.#checkDeadline(at);
    this.#armTimer();
    return step.effects;
  }

  #compare(input: DoorInput, step: DoorStep, wasReleased: boolean, at: number): void {
    const wasTrustedOpen = this.#judge.knowsOpen(at);
    const spentAt = this.#coilSpentAt;
    const verdict = this.#judge.take(this.settings, input, at);
    const commands = step.effects.flatMap((one) => (one.kind === "strike" ? [one.command] : []));
    const strike = commands.at(-1) ?? (wasReleased ? "released" : "secured");
    const isLeaving = this.#judge.needsStrike(this.settings, at);
    if (isLeaving && strike === "secured") {
      if (wasReleased && at < spentAt) throw broken("the strike was secured on who is leaving");
      if (wasTrustedOpen) throw broken("the leaf shut on who is leaving, and he is locked in");
    }
    const isLetOut = isLeaving && wasTrustedOpen;
    if (commands.includes("released")) {
      this.#strikeOnMaxMs = this.settings.strikeOnMaxMs;
      const isHold = input.kind === "hold_unlocked";
      const isPress = input.kind === "rex" && input.state === "pressed";
      const isAsked = input.kind === "grant" || input.kind === "pulse";
      if (!isHold && !isPress && !isLetOut && !isAsked) {
        throw broken("the strike was released without a grant, a press, a pulse or a hold");
      }
      if (wasTrustedOpen && !isHold && !isLetOut)
        throw broken("the strike of an open leaf was released");
    }
    if (strike !== verdict.strike) throw broken(`the strike is ${strike}, not ${verdict.strike}`);
    const passages = step.effects.flatMap((one) => (one.kind === "passage" ? [one.outcome] : []));
    if (sorted(passages) !== sorted(verdict.passages)) {
      throw broken(`passages [${sorted(passages)}], not [${sorted(verdict.passages)}]`);
    }
    this.#compareStatus(verdict);
    const kinds = step.effects.flatMap((one) => (one.kind === "event" ? [one.event.kind] : []));
    for (const kind of kinds) this.eventCounts.set(kind, (this.eventCounts.get(kind) ?? 0) + 1);
    if (sorted(kinds) !== sorted(verdict.kinds)) {
      throw broken(`told [${sorted(kinds)}], should have told [${sorted(verdict.kinds)}]`);
    }
    const fault =
      input.kind === "grant"
        ? this.#ledger.enterGrant(step.effects)
        : this.#ledger.enter(step.effects);
    if (fault !== undefined) throw broken(fault);
    const shown = this.#ledger.indication === "alarm_cleared" ? "none" : this.#ledger.indication;
    if (shown !== verdict.alarm) throw broken(`the lamps show ${shown}, not ${verdict.alarm}`);
  }

  /** When the coil has to rest, whoever is at the button. A lock that is held has none to spare. */
  get #coilSpentAt(): number {
    const { strikeSince, isHeldUnlocked } = this.#judge;
    if (strikeSince === undefined || isHeldUnlocked) return Number.POSITIVE_INFINITY;
    return strikeSince + this.settings.strikeOnMaxMs;
  }

  #compareStatus(verdict: Verdict): void {
    const { subject } = this.#options;
    const isShut = subject.isShut(this.#state);
    if (isShut !== verdict.isShut)
      throw broken(`the door was called ${isShut ? "shut" : "not shut"}`);
    const troubles = sorted(subject.doorTroubles(this.#state));
    const expected = sorted(verdict.troubles);
    if (troubles !== expected) throw broken(`troubles [${troubles}], not [${expected}]`);
  }

  #checkDeadline(at: number): void {
    const { deadline } = this;
    if (deadline !== undefined && deadline <= at) throw broken("a deadline was left in the past");
    const since = this.#judge.strikeSince;
    if (deadline === undefined && this.#ledger.awaitsPassage) {
      throw broken("it is never told what came of a grant");
    }
    if (since === undefined || this.#judge.isHeldUnlocked) return;
    if (deadline === undefined) throw broken("nothing would ever secure the strike");
    if (deadline > since + this.#strikeOnMaxMs) throw broken("the coil would burn");
    if (deadline > this.#judge.secureBy)
      throw broken("the strike would stay released for too long");
  }

  #armTimer(): void {
    const { deadline } = this;
    if (deadline === this.#timer?.deadline) return;
    this.#timer =
      deadline === undefined
        ? undefined
        : { deadline, firesAt: Math.max(this.now, deadline) + drawLateness(this.#options.random) };
  }

  #say(line: string): void {
    const { trace } = this.#options;
    if (trace === undefined) return;
    trace(`${((this.now - this.#startedAt) / 1_000).toFixed(3).padStart(14)} s  ${line}`);
  }
}

function drawSettings(random: Seeded): DoorSettings {
  const unlockMs = random.pick([1_000, 3_000, 3_000, 5_000, 30_000]);
  const heldOpenMs = random.pick([1_000, 5_000, 30_000, 120_000]);
  return {
    ...doorDefaults,
    id: doorId("front"),
    name: "Front",
    unlockMs,
    heldOpenMs,
    heldOpenWarningMs: random.chance(0.3) ? 0 : random.between(1, heldOpenMs),
    heldOpenWatch: random.pick(["always", "while_locked"]),
    strikeOnMaxMs: random.pick([2_000, 7_000, 20_000, 60_000]),
    relock: random.pick(["after_unlock_time", "on_open", "on_close"]),
    factors: "card",
    secondFactorMs: 10_000,
    rex: random.pick(["admit", "report"]),
    clockUnknown: "deny",
  };
}

function drawLateness(random: Seeded): number {
  if (random.chance(0.7)) return 0;
  return random.pick([random.between(1, 30), random.between(1, 400), random.between(1, 90_000)]);
}

function describe(why: string, step: DoorStep, deadline: number | undefined, at: number): string {
  const outcome = step.effects.map((effect) => {
    if (effect.kind === "strike") return `STRIKE ${effect.command.toUpperCase()}`;
    if (effect.kind === "passage") return `<passage ${effect.outcome}>`;
    return effect.kind === "indicate" ? `(${effect.indication})` : effect.event.kind;
  });
  const next =
    deadline === undefined ? "" : `   [next in ${((deadline - at) / 1_000).toFixed(3)} s]`;
  return `${why.padEnd(34)} ${outcome.join(" ")}${next}`;
}

function hasEvent(effects: readonly DoorEffect[], kind: string): boolean {
  return effects.some((effect) => effect.kind === "event" && effect.event.kind === kind);
}

function sorted(kinds: readonly string[]): string {
  return [...kinds].sort().join(" ");
}

function broken(message: string): BrokenInvariant {
  return new BrokenInvariant(message);
}
