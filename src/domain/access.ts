import type { PinDigest, RawCredential } from "./credential.ts";
import type {
  AreaId,
  ControllerId,
  DayTypeId,
  DoorId,
  PassId,
  ReaderId,
  RuleId,
  ScheduleId,
  SiteId,
  UserId,
  ZoneId,
} from "./ids.ts";
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
  /** The dates that are not ordinary; every other date is. Each date and each yearly day once. */
  readonly calendar: readonly CalendarDay[];
  readonly zones: readonly ZoneRecord[];
  readonly areas: readonly AreaRecord[];
  readonly doors: readonly DoorSettings[];
  readonly users: readonly UserRecord[];
  readonly passes: readonly PassRecord[];
  readonly rules: readonly RuleRecord[];
  readonly schedules: readonly ScheduleRecord[];
  /** Absent: no phone is to be answered here. */
  readonly mobile?: MobileRecord;
}

/** By which phones know a controller's readers. */
export interface MobileRecord {
  /** A reader certificate, as the site's mobile key signed it, in base64url. */
  readonly certificate: string;
}

/**
 * What a door is, before anybody presents anything. `disabled` grants nobody, `locked` is the usual
 * one, `unlocked` holds the strike released, `free_access` admits every valid pass whatever rules and
 * schedules say, `lockdown` admits pass-through passes only. Egress is free in each.
 */
export const doorPostures = ["disabled", "locked", "unlocked", "free_access", "lockdown"] as const;
export type DoorPosture = (typeof doorPostures)[number];

/** What the site decides about a door. Its wiring is the controller's own configuration. */
export interface DoorSettings {
  readonly id: DoorId;
  readonly name: string;
  /** While no operator says otherwise; schedules unlock a door that is `locked` here and no other. */
  readonly posture: DoorPosture;
  /** How long a grant releases the strike. */
  readonly unlockMs: number;
  /** How much longer, for a user who needs extra time, both the strike and the leaf may take. */
  readonly extraTimeMs: number;
  /** How much longer than `unlockMs` the leaf may stand open before it is held open. */
  readonly heldOpenMs: number;
  /** How long before held open the warning begins; 0 for none. At most `heldOpenMs`. */
  readonly heldOpenWarningMs: number;
  /** `while_locked`: a leaf may stand open for as long as the door is held unlocked. */
  readonly heldOpenWatch: "always" | "while_locked";
  /**
   * Grants and exits never keep the strike released for longer than this in one go, to spare its
   * coil. A door that is held unlocked, or opened by fire, stays so: its lock is made for it.
   */
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
  /** The area that this door's entry readers lead into and its exit readers out of. Absent: none. */
  readonly inside?: AreaId;
  /** The area on the other side. */
  readonly outside?: AreaId;
  /** The readers that stand on the inside; every other reader of the door is an entry reader. */
  readonly exitReaders: readonly ReaderId[];
  /** Doors of the same controller that must be shut and secured for a grant here (a mantrap). */
  readonly interlock: readonly DoorId[];
  /** `required`: two users, each of whom would be admitted, one after the other. */
  readonly twoPerson: "not_required" | "required";
  /** How long after the first person, or after somebody to escort, the other may take. */
  readonly companyMs: number;
  /** What presentations come to while the reader or the controller's enclosure is tampered with. */
  readonly tamper: "deny" | "go_on";
  /** `unlock`: the fire input releases the strike for as long as it lasts, in lockdown too. */
  readonly fire: "unlock" | "ignore";
  /**
   * Whether who is where, toggles, first persons in and temporary overrides learnt at this door
   * outlast a restart. Uses, lockdown and permanent overrides always do.
   */
  readonly afterRestart: "remember" | "forget";
}

export const userTraits = [
  /** The door stays unlocked, and may stand open, for `extraTimeMs` longer (ADA). */
  "extra_time",
  /** Admitted only in the company of a user who may escort. */
  "needs_escort",
  "may_escort",
  /** Counts where an area asks for a manager inside. */
  "manager",
  /** Anti-passback neither stops this user nor loses him: he is recorded as everybody is. */
  "passback_exempt",
] as const;
export type UserTrait = (typeof userTraits)[number];

export interface UserRecord {
  readonly id: UserId;
  readonly suspended: boolean;
  /** Absent: none. */
  readonly traits?: readonly UserTrait[];
}

export type PassKind = "mobile" | "nfc_card" | "csn_card" | "pin";

export const passTraits = [
  /** Works in lockdown, where its user has access anyway. */
  "pass_through",
  /** A grant unlocks the door until the same pass is granted there again. */
  "toggle",
  /** A PIN that counts as its user's and raises a silent alarm. Of PINs only. */
  "duress",
] as const;
export type PassTrait = (typeof passTraits)[number];

export interface PassRecord {
  readonly id: PassId;
  readonly user: UserId;
  readonly kind: PassKind;
  readonly active: boolean;
  readonly startsAt?: EpochMs;
  readonly endsAt?: EpochMs;
  /** How many grants the pass is good for, at all doors of the site together. Absent: any number. */
  readonly usesMax?: number;
  /** Of those, what the site knows to be spent: at this controller and at all others. Absent: 0. */
  readonly spentHere?: number;
  readonly spentElsewhere?: number;
  /** Absent: none. */
  readonly traits?: readonly PassTrait[];
  /** What is presented: of a card its bits, of a phone its key, of a PIN the keyed digest. */
  readonly presents:
    | { readonly as: "raw"; readonly raw: RawCredential }
    | { readonly as: "pin"; readonly digest: PinDigest };
}

export const ruleKinds = [
  /** Admits its users. A user is admitted where any rule says so. */
  "grant",
  /** Admits its users with card and PIN; where another rule in force admits without, that will do. */
  "grant_two_factors",
  /** Holds its doors unlocked while its schedule is open. Has no users. */
  "auto_unlock",
  /**
   * Holds a door unlocked from the first grant there to one of its users, or to anybody where it has
   * none, while its schedule is open and until that closes. Has a schedule. Admits nobody by itself.
   */
  "first_person_in",
] as const;
export type RuleKind = (typeof ruleKinds)[number];

/** Who x where x when. */
export interface RuleRecord {
  readonly id: RuleId;
  readonly kind: RuleKind;
  readonly users: readonly UserId[];
  /** Where: these doors, and the doors of these zones and of the zones within them. */
  readonly doors: readonly DoorId[];
  readonly zones: readonly ZoneId[];
  /** Absent: always. */
  readonly schedule?: ScheduleId;
}

/** Doors that rules name together. */
export interface ZoneRecord {
  readonly id: ZoneId;
  /** The zone that this one lies in; never, by any way, itself. */
  readonly parent?: ZoneId;
  readonly doors: readonly DoorId[];
}

/** A place that people are in or not, as far as its doors' readers can tell. */
export interface AreaRecord {
  readonly id: AreaId;
  /**
   * Who enters while recorded inside, or leaves while recorded elsewhere, is denied (`hard`) or
   * reported (`soft`). `timed`: who entered may not enter again for `passbackMs`; leaving is free.
   */
  readonly passback: "none" | "soft" | "hard" | "timed";
  /** After this long a record is forgiven by itself. Present where `timed`. Absent: never. */
  readonly passbackMs?: number;
  /** How many may be recorded inside. Absent: any number. */
  readonly occupancyMax?: number;
  /** `required`: nobody but a manager enters while no manager is recorded inside. */
  readonly managerIn: "not_required" | "required";
}

/** What kind of day a date is: a holiday, a special day. Absent `year`: that day of every year. */
export interface CalendarDay {
  readonly year?: number;
  readonly month: number;
  readonly day: number;
  readonly dayType: DayTypeId;
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
 * An interval belongs to the date on which it starts and is for that date's day type alone: without
 * `dayType` it is for ordinary dates, so that a holiday is closed unless an interval says otherwise.
 */
export interface WeeklyInterval {
  readonly days: readonly IsoWeekday[];
  readonly dayType?: DayTypeId;
  readonly fromMinute: number;
  readonly toMinute: number;
}
