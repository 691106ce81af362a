import type { DoorPosture, DoorSettings, TableContent } from "../../../src/domain/access.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import type { AreaId, DoorId, PassId, ReaderId, UserId } from "../../../src/domain/ids.ts";
import type { DenialReason, GrantReason } from "../../../src/domain/reason.ts";
import { DoingsTruth } from "./doings-truth.ts";
import { JournalTruth, named } from "./journal-truth.ts";
import {
  type Admitted,
  type Asked,
  type Facts,
  hasPassTrait,
  hasTrait,
  mayEscort,
  type Ruling,
  rule,
  type Shown,
} from "./ladder.ts";
import { boltFallMs, of } from "./paper-board.ts";
import { doorPlaces, placeOf } from "./plan.ts";
import {
  type Doings,
  nextUnlockChange,
  type Posture,
  type Where,
  withGrant,
} from "./posture-truth.ts";
import { type PulseOutcome, pulseOutcome } from "./pulse-truth.ts";
import { ReaderTruth, type Refusal } from "./reader-truth.ts";
import type { Sight } from "./sight.ts";
import { StrikeTruth } from "./strike-truth.ts";
import { type Use, UsesTruth } from "./uses-truth.ts";
import { type Awaited, type Moment, WhereaboutsTruth } from "./whereabouts-truth.ts";

/** Somebody whom the rules let in, at the moment before the disk and the strike are asked. */
export interface Grant {
  readonly reader: ReaderTruth;
  readonly door: DoorId;
  readonly asked: Asked;
  readonly admitted: readonly Admitted[];
  readonly uses: readonly Use[];
}

/** Who would be asked for more now, and has nothing more to show, is as one who did not. */
const tooLate = {
  pin_required: "second_factor_timeout",
  second_person_required: "second_person_timeout",
  escort_required: "escort_timeout",
} as const;

type Denial = Extract<Ruling, { readonly kind: "denied" }>;

/**
 * What is so in the building, and what has to come of everything that happens there. It is told what
 * people and wires do and never what the controller thinks of it.
 */
export class Truth {
  content: TableContent;
  isFire = false;
  readonly journal = new JournalTruth();
  readonly uses = new UsesTruth();
  readonly strikes: StrikeTruth;
  readonly #sight: Sight;
  readonly #readers = new Map<ReaderId, ReaderTruth>();
  readonly #doings = new DoingsTruth(
    (door) => this.#where(door),
    (door) => this.#remembers(door),
  );
  /** A door that its site gave up goes on opening at a fire, as long as anybody remembers it. */
  readonly #fireOfOld = new Map<DoorId, DoorSettings["fire"]>();
  readonly #shown = new Map<DoorId, DoorPosture>();
  readonly #whereabouts = new WhereaboutsTruth();
  readonly #tampered = new Set<ReaderId | undefined>();

  constructor(content: TableContent, sight: Sight) {
    this.content = content;
    this.#sight = sight;
    this.strikes = new StrikeTruth(sight, (door) => this.settings(door));
    this.#forgetReaders();
  }

  settings(door: DoorId): DoorSettings {
    const known = this.content.doors.find(({ id }) => id === door);
    const fire = this.#fireOfOld.get(door) ?? doorDefaults.fire;
    return known ?? { ...doorDefaults, id: door, name: door, fire };
  }

  /** Without the fire, which moves the strike and lets nobody's card do more. */
  posture(door: DoorId): Posture {
    return this.#doings.posture(door);
  }

  shownPosture(door: DoorId): Posture {
    const isOpenedByFire = this.isFire && this.settings(door).fire === "unlock";
    return isOpenedByFire ? { posture: "unlocked", cause: "fire" } : this.posture(door);
  }

  toggledBy(door: DoorId): PassId | undefined {
    return this.#doings.of(door).toggledBy;
  }

  isHeldUnlocked(door: DoorId): boolean {
    return this.shownPosture(door).posture === "unlocked";
  }

  awaitedAt(door: DoorId): readonly UserId[] {
    return this.#whereabouts.awaitedAt(door);
  }

  reader(id: ReaderId): ReaderTruth {
    return of(this.#readers, id);
  }

  recordedIn(user: UserId): AreaId | "nowhere" | undefined {
    const seen = this.#whereabouts.of(user);
    return seen && (seen.area ?? "nowhere");
  }

  /** Somebody shows something at a reader. Whom the rules let in is for `admit` or `refuse`. */
  present(reader: ReaderId, shown: Shown): Grant | undefined {
    const now = this.#sight.now();
    const place = placeOf(reader);
    const attempt = this.reader(reader).attempt(shown, now);
    if (attempt.kind === "refuse") {
      this.journal.deny(reader, attempt.reason, attempt.who);
      this.journal.duress(this.content, reader, shown.pin);
      return undefined;
    }
    const { waiting } = this.reader(reader);
    const isEscorted = this.reader(reader).isEscorted(now);
    const asked = { door: place.id, reader, shown: attempt.shown, waiting, isEscorted };
    const ruling = rule(this.#facts(), asked);
    const grant = this.#take(asked, ruling);
    this.journal.duress(this.content, reader, attempt.shown.pin);
    return grant;
  }

  /** The use is being written, and the strike waits for it. */
  claim({ door, admitted }: Grant): void {
    this.#whereabouts.claim(door, this.#awaited(admitted));
  }

  withdraw({ door }: Grant): void {
    this.#whereabouts.withdraw(door);
  }

  /** The strike is asked. Returns whether it has to be released now. */
  admit({ reader, door, admitted, uses }: Grant): boolean {
    const before = this.#doings.of(door);
    let after = before;
    for (const { user, pass } of admitted) {
      const toggles = hasPassTrait(pass, "toggle");
      const who = { user: user.id, pass: pass.id, toggles };
      after = withGrant(this.#where(door), after, who);
    }
    const relocks = before.toggledBy !== undefined && after.toggledBy === undefined;
    const reason = relocks ? "granted_relocked" : this.#letIn(door, admitted);
    this.uses.spend(uses);
    for (const one of admitted) this.journal.grant({ reader: reader.id, one, reason, uses });
    this.#doings.set(door, after);
    this.#follow();
    const now = this.#sight.now();
    const isLed = admitted.some(({ user }) => mayEscort(user));
    const escortsUntil = isLed ? now + this.settings(door).companyMs : undefined;
    this.#refuse(reader.id, reader.granted({ escortsUntil, along: admitted.length > 1 }));
    return reason === "granted";
  }

  /** What was so when it was asked need not be so when the disk has answered. */
  decideAgain(grant: Grant): Grant | undefined {
    const ruling = rule(this.#facts(), grant.asked);
    if (ruling.kind === "granted") return this.#take(grant.asked, ruling);
    this.refuse(grant, ruling.kind === "denied" ? ruling.reason : tooLate[ruling.kind]);
    return undefined;
  }

  /** The disk did not take the use. */
  refuse({ reader, admitted }: Grant, reason: DenialReason): void {
    for (const { pass } of admitted) this.journal.deny(reader.id, reason, named(pass));
  }

  /** Seen, or not seen any more: whoever is awaited counts as in. */
  leafOpened(door: DoorId): void {
    this.#came(door);
  }

  /** As its contact says, which was sound before as well. */
  leafMoved(door: DoorId, to: "open" | "closed"): void {
    if (to === "open") this.leafOpened(door);
    this.strikes.leafMoved(door, to);
  }

  /** A technician tries the strike: nobody comes in by it, and it is journalled if it moves. */
  pulse(door: DoorId, asked: number): PulseOutcome {
    const { isShut } = this.#facts();
    const outcome = pulseOutcome(this, door, { leaf: this.#sight.leaf(door), isShut });
    if (outcome !== "released") return outcome;
    const forMs = Math.min(asked, this.settings(door).strikeOnMaxMs);
    this.strikes.tried(door, forMs);
    this.journal.tell({ kind: "strike_pulsed", door, forMs });
    return outcome;
  }

  override(door: DoorId, override: Doings["override"]): void {
    this.#doings.override(door, override);
    this.#follow();
  }

  nextUnlockChange(door: DoorId): number | undefined {
    return nextUnlockChange(this.#where(door));
  }

  forgive(user: UserId | undefined): void {
    if (!this.#whereabouts.forgive(user)) return;
    this.journal.tell({ kind: "passback_forgiven", ...(user !== undefined && { user }) });
  }

  fire(state: "raised" | "cleared"): void {
    this.isFire = state === "raised";
    this.#follow();
    this.journal.tell({ kind: "fire", state });
  }

  tamper(reader: ReaderId | undefined, state: "raised" | "cleared"): void {
    if (state === "raised") this.#tampered.add(reader);
    else this.#tampered.delete(reader);
    this.journal.tell({ kind: "tamper", state, ...(reader !== undefined && { reader }) });
  }

  setTable(content: TableContent): void {
    for (const { id } of doorPlaces) this.#fireOfOld.set(id, this.settings(id).fire);
    this.content = content;
    this.strikes.tableChanged();
    // Whoever lost his pass is where he is all the same.
    this.#whereabouts.forgetOthers((user) => content.users.some(({ id }) => id === user));
    this.passTime();
  }

  clockWasSet(): void {
    this.#doings.clockWasSet();
  }

  /** What the clock alone has changed by now. */
  passTime(): void {
    for (const reader of this.#readers.values()) {
      this.#refuse(reader.id, reader.passTime(this.#sight.now()));
    }
    this.#doings.passTime();
    for (const { id } of doorPlaces) {
      // At a door that is held unlocked as well: whoever did not come in his time does not come.
      const then = this.#sight.now() - boltFallMs;
      const isLate = this.isHeldUnlocked(id) && !this.strikes.mayCome(id, then);
      this.#whereabouts.giveUp(id, (at) => isLate || this.#sight.wasBoltHomeAfter(id, at));
    }
    this.#follow();
  }

  /** Power is back: what is kept is what each door's rule says, and what is always kept. */
  restart(fireFound: boolean): void {
    this.isFire = fireFound;
    this.#fireOfOld.clear();
    this.#forgetReaders();
    this.strikes.restart();
    this.#whereabouts.restart(this.#moment(), (door) => this.#remembers(door));
    this.#doings.restart();
    this.passTime();
  }

  #take(asked: Asked, ruling: Ruling): Grant | undefined {
    const now = this.#sight.now();
    const { door, reader, shown } = asked;
    const state = this.reader(reader);
    const { secondFactorMs, companyMs } = this.settings(door);
    switch (ruling.kind) {
      case "granted": {
        const { along } = ruling;
        if (along !== undefined) state.takenAlong();
        const admitted = along === undefined ? [ruling] : [along, ruling];
        const uses = this.uses.of(admitted);
        return { reader: state, door, asked, admitted, uses };
      }
      case "pin_required":
        state.awaitPin({ ...named(ruling.pass), shown, until: now + secondFactorMs });
        return undefined;
      case "second_person_required":
      case "escort_required": {
        const need = ruling.kind === "escort_required" ? "escort" : "second_person";
        const person = { ...named(ruling.pass), shown, until: now + companyMs };
        this.#refuse(reader, state.awaitCompany(need, person));
        return undefined;
      }
      case "denied":
        this.journal.deny(reader, ruling.reason, ruling.pass && named(ruling.pass));
        this.#countWrongPin(state, shown, ruling);
        return undefined;
    }
  }

  /** A PIN of nobody's is wrong whatever the door says of it; a lockdown says nothing. */
  #countWrongPin(reader: ReaderTruth, shown: Shown, { reason, pass }: Denial): void {
    const isWrong =
      shown.card === undefined
        ? pass === undefined
        : reason === "wrong_pin" || reason === "pin_of_another_user";
    const pauseMs = isWrong ? reader.wrongPin(this.#sight.now()) : undefined;
    if (pauseMs !== undefined) {
      this.journal.tell({ kind: "pin_lockout", reader: reader.id, pauseMs });
    }
  }

  #letIn(door: DoorId, admitted: readonly Admitted[]): GrantReason {
    const { unlockMs, extraTimeMs } = this.settings(door);
    const leaf = this.#sight.leaf(door);
    const reason = this.#grantReason(door, leaf);
    this.#whereabouts.letIn(door, this.#awaited(admitted));
    const isSlow = admitted.some(({ user }) => hasTrait(user, "extra_time"));
    const forMs = unlockMs + (isSlow ? extraTimeMs : 0);
    if (leaf !== "open") this.strikes.letIn(door, forMs);
    // Where no contact could tell, he is taken to have gone in.
    if (leaf !== "closed") this.#came(door);
    return reason;
  }

  #grantReason(door: DoorId, leaf: "open" | "closed" | "unknown"): GrantReason {
    if (leaf === "open") return "granted_leaf_open";
    return this.#sight.isReleased(door) ? "granted_already_unlocked" : "granted";
  }

  #awaited(admitted: readonly Admitted[]): readonly Awaited[] {
    const at = this.#sight.now();
    return admitted.map(({ user, passage }) => {
      return { user: user.id, isManager: hasTrait(user, "manager"), passage, at };
    });
  }

  #came(door: DoorId): void {
    this.#whereabouts.came(door, this.#moment());
  }

  #refuse(reader: ReaderId, refusals: readonly Refusal[]): void {
    for (const { reason, ...person } of refusals) this.journal.deny(reader, reason, person);
  }

  #remembers(door: DoorId): boolean {
    return this.settings(door).afterRestart === "remember";
  }

  #moment(): Moment {
    return { now: this.#sight.now(), wall: this.#sight.wall() };
  }

  #follow(): void {
    for (const { id } of doorPlaces) {
      const { posture } = this.shownPosture(id);
      const isChange = this.#shown.get(id) !== posture;
      this.#shown.set(id, posture);
      const isShut = posture === "lockdown" || posture === "disabled";
      if (!isChange || !isShut) continue;
      this.strikes.barred(id);
    }
  }

  #forgetReaders(): void {
    for (const { entryReader, exitReader } of doorPlaces) {
      this.#readers.set(entryReader, new ReaderTruth(entryReader));
      if (exitReader !== undefined) this.#readers.set(exitReader, new ReaderTruth(exitReader));
    }
  }

  #where(door: DoorId): Where {
    return { content: this.content, door, wall: this.#sight.wall() };
  }

  #facts(): Facts {
    const { leaf, isContactFaulty, isReleased, isBoltHome } = this.#sight;
    return {
      content: this.content,
      wall: this.#sight.wall(),
      now: this.#sight.now(),
      posture: (door) => this.posture(door).posture,
      isTampered: (reader) => this.#tampered.has(undefined) || this.#tampered.has(reader),
      spent: (pass) => this.uses.spent(pass),
      whereabouts: (user) => this.#whereabouts.of(user),
      insideOrComing: (area) => this.#whereabouts.insideOrComing(area),
      isComingElsewhere: (user, area, door) =>
        this.#whereabouts.isComingElsewhere(user, area, door),
      hasManager: (area) => this.#whereabouts.hasManager(area),
      isShut: (door) =>
        leaf(door) !== "open" &&
        !isContactFaulty(door) &&
        !isReleased(door) &&
        isBoltHome(door) &&
        !this.#whereabouts.awaits(door),
    };
  }
}
