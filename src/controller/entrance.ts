import type { Clock } from "../../hal/clock.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import { type Admission, authorize, type Company, type Decision } from "../core/authorize.ts";
import type { PremisesChange } from "../core/premises-memory.ts";
import type { Presented } from "../core/presented.ts";
import type { DoorPosture } from "../domain/access.ts";
import type { DoorEvent } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";
import type { ReaderId } from "../domain/ids.ts";
import type { DenialReason, GrantReason } from "../domain/reason.ts";
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

/** What came of a grant: the strike was commanded, or it must not be after all. */
export type AdmitOutcome = "granted" | { readonly deniedFor: DenialReason };

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

  decide(reader: ReaderId, presented: Presented, company: Company): Decision {
    const { door, clock, premises, table } = this.#options;
    return authorize(table(), {
      door: door.id,
      reader,
      presented,
      wall: clock.wall(),
      now: clock.monotonic(),
      premises: premises.memory,
      company,
    });
  }

  /**
   * Lets in whom `decide` granted just now. `told` hears what came of it: before this returns, or,
   * where a use is counted, once that is on disk. A power cut may then cost a use and never gives
   * one away.
   */
  admit(reader: ReaderId, granted: Granted, told: (outcome: AdmitOutcome) => void): void {
    const { premises, postures, door } = this.#options;
    const spent = admissionsOf(granted).flatMap(spending);
    if (spent.length === 0) return this.#open(reader, granted, told);
    const before = postures.inForce(door.id).posture;
    // Meanwhile the door counts as one that may open, and those who go in have their places: an
    // interlock must not let the other one go, nor somebody else take the last place.
    const passages = admissionsOf(granted).flatMap(({ passage }) => passage ?? []);
    const withdraw = premises.memory.claim(door.id, passages);
    premises.commit(spent).then(
      () => {
        withdraw();
        if (this.#closed) return;
        const { posture } = postures.inForce(door.id);
        const barred = posture === before ? undefined : barring(posture);
        if (barred === undefined) return this.#open(reader, granted, told);
        this.#takeBack(granted);
        told({ deniedFor: barred });
      },
      (error: unknown) => {
        if (!(error instanceof HalError)) throw error;
        withdraw();
        if (this.#closed) return;
        this.#takeBack(granted);
        told({ deniedFor: "use_not_recorded" });
      },
    );
  }

  #takeBack(granted: Granted): void {
    for (const { pass, use } of admissionsOf(granted)) {
      if (use !== undefined) this.#options.premises.takeBack(pass);
    }
  }

  #open(reader: ReaderId, granted: Granted, told: (outcome: AdmitOutcome) => void): void {
    const { door, postures } = this.#options;
    const admissions = admissionsOf(granted);
    const { state, relocks } = postures.afterGrant(door.id, admissions);
    // A lock that is asked for comes at once; an unlocking goes on from the grant's own.
    if (relocks) postures.keep(door.id, state);
    const reason = relocks ? "granted_relocked" : this.#release(admissions);
    told("granted");
    for (const admission of admissions) this.#record(reader, admission, reason);
    if (!relocks) postures.keep(door.id, state);
  }

  #release(admissions: readonly Admission[]): GrantReason {
    const { door } = this.#options;
    const isExtra = admissions.some(({ extraTime }) => extraTime);
    const passages = admissions.map(({ passage }) => passage);
    return door.grant(passages, isExtra ? door.settings().extraTimeMs : 0);
  }

  #record(reader: ReaderId, admission: Admission, reason: GrantReason): void {
    const { door, record } = this.#options;
    const { pass, user, use, passbackFrom } = admission;
    const who = { door: door.id, reader, pass, user };
    record({ kind: "access_granted", ...who, reason, ...(use !== undefined && { use }) });
    if (passbackFrom !== undefined) record({ kind: "passback_violation", ...who, ...passbackFrom });
  }
}

/** A lockdown that began while the disk was written must not be opened by an earlier grant. */
function barring(posture: DoorPosture): DenialReason | undefined {
  if (posture === "disabled") return "door_disabled";
  return posture === "lockdown" ? "lockdown" : undefined;
}

/** In the order in which they were presented. */
function admissionsOf(granted: Granted): readonly Admission[] {
  return granted.along === undefined ? [granted] : [granted.along, granted];
}

function spending({ pass, use }: Admission): readonly PremisesChange[] {
  return use === undefined ? [] : [{ kind: "spent", pass, spent: use }];
}
