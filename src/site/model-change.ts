import type {
  AreaRecord,
  CalendarDay,
  RuleRecord,
  ScheduleRecord,
  ZoneRecord,
} from "../domain/access.ts";
import type { PassId, RuleId, UserId } from "../domain/ids.ts";
import type { SiteDoor, SitePass, SiteUser } from "./site-model.ts";

/** All that tables are made from, but for people and rules: replaced as a whole. */
export interface Surroundings {
  /** IANA zone in which every schedule's wall times are read. */
  readonly zone: string;
  readonly calendar: readonly CalendarDay[];
  readonly zones: readonly ZoneRecord[];
  readonly areas: readonly AreaRecord[];
  readonly doors: readonly SiteDoor[];
  readonly schedules: readonly ScheduleRecord[];
}

/** A record as it is to be from now on; undefined: it is to be gone. */
export interface Put<Id, Record> {
  readonly id: Id;
  readonly to: Record | undefined;
}

/** Who a rule is for is said one by one: a rule for everybody has as many users as the site. */
export type SiteRule = Omit<RuleRecord, "users">;

export interface Membership {
  readonly rule: RuleId;
  readonly user: UserId;
  readonly is: "in" | "out";
}

/**
 * What leads from one state of the site to the next. Its references resolve in the state that it
 * leads to. What it does not name stays as it is.
 */
export interface ModelChange {
  /** Of the store that holds what this says. */
  readonly revision: number;
  readonly surroundings?: Surroundings;
  readonly users: readonly Put<UserId, SiteUser>[];
  readonly passes: readonly Put<PassId, SitePass>[];
  readonly rules: readonly Put<RuleId, SiteRule>[];
  readonly members: readonly Membership[];
}
