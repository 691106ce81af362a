import type { PinDigest, RawCredential } from "./credential.ts";
import type { ControllerId, DoorId, PassId, RuleId, ScheduleId, SiteId, UserId } from "./ids.ts";
import type { EpochMs } from "./time.ts";

/** The order in which tables replace one another: epoch first (a rebuilt site raises it), version next. */
export interface TableVersion {
  readonly epoch: number;
  readonly version: number;
}

/**
 * Everything one controller needs to decide on its own for months: what the site compiles, signs and
 * sends. Nouns only: core builds its index from it. References are by id and resolve inside.
 */
export interface TableContent {
  readonly site: SiteId;
  readonly controller: ControllerId;
  readonly table: TableVersion;
  readonly compiledAt: EpochMs;
  /** IANA zone in which every schedule's wall times are read. */
  readonly zone: string;
  readonly doors: readonly DoorSettings[];
  readonly users: readonly UserRecord[];
  readonly passes: readonly PassRecord[];
  readonly rules: readonly RuleRecord[];
  readonly schedules: readonly ScheduleRecord[];
}

/** What the site decides about a door. Its wiring is the controller's own configuration. */
export interface DoorSettings {
  readonly id: DoorId;
  readonly name: string;
  /** How long a grant releases the strike. */
  readonly unlockMs: number;
  /** How much longer than `unlockMs` the leaf may stand open before it is held open. */
  readonly heldOpenMs: number;
  /** How long before held open the warning begins; 0 for none. At most `heldOpenMs`. */
  readonly heldOpenWarningMs: number;
  /** The strike is never commanded released for longer than this in one go, to spare its coil. */
  readonly strikeOnMaxMs: number;
  readonly relock: "after_unlock_time" | "on_open" | "on_close";
  /** `card_and_pin` asks everybody for both; `card_or_pin` lets a PIN open alone (behaviour 5). */
  readonly factors: "card" | "card_or_pin" | "card_and_pin";
  /** How long after the card its PIN may begin to arrive complete: 5,000-30,000. */
  readonly secondFactorMs: number;
  /** `admit` releases the strike; `report` only tells an exit from a forced door. */
  readonly rex: "admit" | "report";
  /** Passes with a start, end or schedule while wall time is unknown (behaviour 27). */
  readonly clockUnknown: "deny" | "allow";
}

export interface UserRecord {
  readonly id: UserId;
  readonly suspended: boolean;
}

export type PassKind = "mobile" | "nfc_card" | "csn_card" | "pin";

export interface PassRecord {
  readonly id: PassId;
  readonly user: UserId;
  readonly kind: PassKind;
  readonly active: boolean;
  readonly startsAt?: EpochMs;
  readonly endsAt?: EpochMs;
  /** What is presented: raw bits for a card or phone, the keyed digest for a PIN. */
  readonly presents:
    | { readonly as: "raw"; readonly raw: RawCredential }
    | { readonly as: "pin"; readonly digest: PinDigest };
}

/** Who x where x when. A user is admitted where any rule says so. */
export interface RuleRecord {
  readonly id: RuleId;
  readonly users: readonly UserId[];
  readonly doors: readonly DoorId[];
  /** Absent: always. */
  readonly schedule?: ScheduleId;
}

/** 1 = Monday to 7 = Sunday, as ISO 8601 counts. */
export type IsoWeekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

export interface ScheduleRecord {
  readonly id: ScheduleId;
  readonly intervals: readonly WeeklyInterval[];
}

/**
 * Wall-clock minutes of the day in the site's zone, from `fromMinute` inclusive to `toMinute`
 * exclusive. `toMinute` <= `fromMinute` crosses midnight into the next day; 1440 is midnight's end.
 */
export interface WeeklyInterval {
  readonly days: readonly IsoWeekday[];
  readonly fromMinute: number;
  readonly toMinute: number;
}
