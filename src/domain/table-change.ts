import type {
  AreaRecord,
  CalendarDay,
  DoorSettings,
  MobileRecord,
  PassRecord,
  RuleRecord,
  ScheduleRecord,
  TableVersion,
  UserRecord,
  ZoneRecord,
} from "./access.ts";
import type { ControllerId, PassId, RuleId, SiteId, UserId } from "./ids.ts";
import type { EpochMs } from "./time.ts";

/**
 * Which table it is. The tag, 32 bits, tells two tables apart that were given one number: a site that
 * was restored from a copy counts where its controllers have been.
 */
export interface TableMark extends TableVersion {
  readonly tag: number;
}

/**
 * A table without its people: what is small, laid out anew as a whole whenever any of it changes.
 * References are by id and resolve inside.
 */
export interface TableFrame {
  readonly site: SiteId;
  readonly controller: ControllerId;
  /** IANA zone in which every schedule's wall times are read. */
  readonly zone: string;
  readonly calendar: readonly CalendarDay[];
  readonly zones: readonly ZoneRecord[];
  readonly areas: readonly AreaRecord[];
  readonly doors: readonly DoorSettings[];
  readonly rules: readonly FrameRule[];
  readonly schedules: readonly ScheduleRecord[];
  /** Absent: no phone is to be answered here. */
  readonly mobile?: MobileRecord;
}

/** A rule without its users, who name it themselves. */
export interface FrameRule extends Omit<RuleRecord, "users"> {
  /** `anybody`: of `first_person_in` alone. No user names such a rule. */
  readonly whom: "named_users" | "anybody";
}

export interface TableUser extends UserRecord {
  /** The rules that name this user, each once. */
  readonly rules: readonly RuleId[];
}

/** One step from a table to the next. A user or a pass that is there already is replaced. */
export type TableChange =
  /** Rules that it lacks are forgotten of every user. */
  | { readonly kind: "frame"; readonly frame: TableFrame }
  /** Names rules of the frame only. */
  | { readonly kind: "user"; readonly user: TableUser }
  /** Every pass of this user has gone, or is another's, when the delta ends. */
  | { readonly kind: "user_gone"; readonly user: UserId }
  /** Its user is there and no other pass presents the same when the delta ends. */
  | { readonly kind: "pass"; readonly pass: PassRecord }
  | { readonly kind: "pass_gone"; readonly pass: PassId };

/** What leads from one table to the next: all of it or none, between two decisions. */
export interface TableDelta {
  /** The table that it is good for, and no other. */
  readonly from: TableMark;
  /** The table that it makes: the same epoch, the next version. */
  readonly to: TableMark;
  readonly compiledAt: EpochMs;
  /** Each user and each pass at most once, the frame at most once and first. */
  readonly changes: readonly TableChange[];
}
