import type { Clock } from "../../hal/clock.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import {
  type Admission,
  authorize,
  type Company,
  type Decision,
  duressOf,
} from "../core/authorize.ts";
import type { Premises } from "../core/premises.ts";
import type { PremisesChange } from "../core/premises-memory.ts";
import type { Presented } from "../core/presented.ts";
import type { PinDigest } from "../domain/credential.ts";
import type { DoorEvent } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";
import type { PassId, ReaderId, UserId } from "../domain/ids.ts";
import type { DenialReason, GrantReason } from "../domain/reason.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { Door } from "./door.ts";
import type { DoorPostures } from "./door-postures.ts";
import type { PremisesStore } from "./premises-store.ts";

export interface EntranceOptions {
  readonly door: Door;
  readonly clock: Clock;
  readonly premises: PremisesStore;
  readonly postures: DoorPostures;
  readonly record: (event: DoorEvent) => void;
  readonly table: () => AccessTable | undefined;
}

export type Granted = Extract<Decision, { readonly kind: "granted" }>;

/** What is presented at one reader, with who is there beside the presenter. */
export interface Presentation {
  readonly reader: ReaderId;
  readonly presented: Presented;
  readonly company: Company;
}

/** What came of a grant: the strike was commanded, or it must not be after all. */
export type AdmitOutcome =
  | { readonly kind: "granted"; readonly granted: Granted }
  | { readonly kind: "denied"; readonly reason: DenialReason };

/** Who presented something hears of it twice, and of a denial once. */
export interface Admitting {
  /** Right after the strike, for the lamps. */
  readonly answer: () => void;
  /** When all of it is recorded, or is not to be. */
  readonly done: (outcome: AdmitOutcome) => void;
}

/** One door's way from what is presented to its strike. */
export class Entrance {
  readonly #options: EntranceOptions;
  #closed = false;

  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  /** Whoever waits for the disk now is let in no more: his use is spent, and his door stays shut. */
  close(): void {
    this.#closed = true;
  }

  decide(presentation: Presentation): Decision {
    return this.#decide(presentation, this.#options.premises.memory);
  }

  /** Whose duress PIN this is, where it will not be judged. */
  duressOf(pin: PinDigest): { readonly pass: PassId; readonly user: UserId } | undefined {
    return duressOf(this.#options.table(), pin);
  }

  /**
   * Lets in whom `decide` granted just now: before this returns, or, where a use is counted, once
   * that is on disk. A power cut may then cost a use and never gives one away.
   */
  admit(presentation: Presentation, granted: Granted, admitting: Admitting): void {
    const { premises, door } = this.#options;
    const spent = admissionsOf(granted).flatMap(spending);
    if (spent.length === 0) return this.#open(presentation.reader, granted, admitting);
    // Meanwhile the door counts as one that may open, and those who go in have their places: an
    // interlock must not let the other one go, nor somebody else take the last place.
    const passages = admissionsOf(granted).flatMap(({ passage }) => passage ?? []);
    const withdraw = premises.memory.claim(door.id, passages);
    premises.commit(spent).then(
      () => {
        withdraw();
        if (!this.#closed) this.#openIfStill(presentation, spent, admitting);
      },
      (error: unknown) => {
        if (!(error instanceof HalError)) throw error;
        withdraw();
        if (this.#closed) return;
        this.#takeBack(spent);
        admitting.done({ kind: "denied", reason: "use_not_recorded" });
      },
    );
  }

  /** Tables, doors and postures may have changed while the disk was written: it is decided again. */
  #openIfStill(
    presentation: Presentation,
    spent: readonly SpentChange[],
    admitting: Admitting,
  ): void {
    const { premises } = this.#options;
    const decision = this.#decide(presentation, beforeSpending(premises.memory, spent));
    if (decision.kind !== "granted") {
      this.#takeBack(spent);
      return admitting.done({ kind: "denied", reason: reasonOf(decision) });
    }
    const needed = admissionsOf(decision).flatMap(spending);
    // By a new table a use may count that did not, or more of them: such a one is not on disk yet.
    if (needed.some((one) => one.spent > premises.memory.spent(one.pass))) {
      this.#takeBack(spent);
      return this.#beginAgain(presentation, admitting);
    }
    const going = new Set(needed.map(({ pass }) => pass));
    const kept = spent.filter(({ pass }) => going.has(pass));
    const numbers = new Map(kept.map(({ pass }) => [pass, premises.grantUse(pass)]));
    this.#takeBack(spent.filter(({ pass }) => !going.has(pass)));
    this.#open(presentation.reader, withUses(decision, numbers), admitting);
  }

  #beginAgain(presentation: Presentation, admitting: Admitting): void {
    const decision = this.decide(presentation);
    if (decision.kind === "granted") return this.admit(presentation, decision, admitting);
    admitting.done({ kind: "denied", reason: reasonOf(decision) });
  }

  #decide({ reader, presented, company }: Presentation, premises: Premises): Decision {
    const { door, clock, table } = this.#options;
    return authorize(table(), {
      door: door.id,
      reader,
      presented,
      wall: clock.wall(),
      now: clock.monotonic(),
      premises,
      company,
    });
  }

  #takeBack(spent: readonly SpentChange[]): void {
    for (const { pass } of spent) this.#options.premises.takeBack(pass);
  }

  #open(reader: ReaderId, granted: Granted, { answer, done }: Admitting): void {
    const { door, postures } = this.#options;
    const admissions = admissionsOf(granted);
    const { state, relocks } = postures.afterGrant(door.id, admissions);
    // A lock that is asked for comes at once; an unlocking goes on from the grant's own.
    if (relocks) postures.keep(door.id, state);
    const reason = relocks ? "granted_relocked" : this.#release(admissions);
    answer();
    for (const admission of admissions) this.#record(reader, admission, reason);
    if (!relocks) postures.keep(door.id, state);
    done({ kind: "granted", granted });
  }

  #release(admissions: readonly Admission[]): GrantReason {
    const { door } = this.#options;
    const isExtra = admissions.some(({ extraTime }) => extraTime);
    const passages = admissions.map(({ passage }) => passage);
    return door.grant(passages, isExtra ? door.settings().extraTimeMs : 0);
  }

  #record(reader: ReaderId, admission: Admission, reason: GrantReason): void {
    const { door, record } = this.#options;
    const { pass, user, use, pinUse, passbackFrom } = admission;
    const who = { door: door.id, reader, pass, user };
    const uses = { ...(use !== undefined && { use }), ...(pinUse !== undefined && { pinUse }) };
    record({ kind: "access_granted", ...who, reason, ...uses });
    if (passbackFrom !== undefined) record({ kind: "passback_violation", ...who, ...passbackFrom });
  }
}

/** In the order in which they were presented. */
export function admissionsOf(granted: Granted): readonly Admission[] {
  return granted.along === undefined ? [granted] : [granted.along, granted];
}

type SpentChange = Extract<PremisesChange, { readonly kind: "spent" }>;

function spending({ pass, use, pinUse }: Admission): readonly SpentChange[] {
  return [
    ...(use === undefined ? [] : [{ kind: "spent", pass, spent: use } as const]),
    ...(pinUse === undefined
      ? []
      : [{ kind: "spent", pass: pinUse.pass, spent: pinUse.use } as const]),
  ];
}

/** Each use has the number under which it is granted, whoever came in meanwhile. */
function withUses(granted: Granted, uses: ReadonlyMap<PassId, number>): Granted {
  const { along } = granted;
  return {
    ...granted,
    ...usesOf(granted, uses),
    ...(along !== undefined && { along: { ...along, ...usesOf(along, uses) } }),
  };
}

function usesOf(
  { pass, pinUse }: Admission,
  uses: ReadonlyMap<PassId, number>,
): Pick<Admission, "use" | "pinUse"> {
  const use = uses.get(pass);
  const ofPin = pinUse && uses.get(pinUse.pass);
  return {
    ...(use !== undefined && { use }),
    ...(pinUse !== undefined && ofPin !== undefined && { pinUse: { ...pinUse, use: ofPin } }),
  };
}

/** The premises as they were before these uses, which are counted once and not twice. */
function beforeSpending(memory: Premises, spent: readonly SpentChange[]): Premises {
  const claimed = (pass: PassId): number => spent.filter((one) => one.pass === pass).length;
  return {
    spent: (pass) => memory.spent(pass) - claimed(pass),
    whereabouts: (user) => memory.whereabouts(user),
    occupancy: (area) => memory.occupancy(area),
    isComing: (user, area, besides) => memory.isComing(user, area, besides),
    managerCount: (area) => memory.managerCount(area),
    postureState: (door) => memory.postureState(door),
    isShut: (door) => memory.isShut(door),
    isTampered: (reader) => memory.isTampered(reader),
  };
}

/** Who would be asked for more now is not let in on what he showed. */
function reasonOf(decision: Exclude<Decision, { readonly kind: "granted" }>): DenialReason {
  switch (decision.kind) {
    case "denied":
      return decision.reason;
    case "pin_required":
      return "second_factor_timeout";
    case "second_person_required":
      return "second_person_timeout";
    case "escort_required":
      return "escort_timeout";
    default:
      return unreachable(decision);
  }
}
