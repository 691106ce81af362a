import type {
  AreaRecord,
  CalendarDay,
  DoorSettings,
  PassKind,
  PassTrait,
  RuleRecord,
  ScheduleRecord,
  UserTrait,
  ZoneRecord,
} from "../domain/access.ts";
import type { PinDigest, RawCredential } from "../domain/credential.ts";
import type { ControllerId, PassId, ReaderId, SiteId, UserId } from "../domain/ids.ts";
import type { EpochMs } from "../domain/time.ts";
import type { CardFields } from "../protocols/wiegand/format.ts";

/**
 * A whole site as the issuer sees it: what a site file says, checked. Ids are unique in their list
 * and every reference resolves. Names are for people; users' names are sent to no controller.
 */
export interface SiteModel {
  readonly site: SiteId;
  /** IANA zone in which every schedule's wall times are read. */
  readonly zone: string;
  readonly calendar: readonly CalendarDay[];
  readonly zones: readonly ZoneRecord[];
  /** One with a rule of its own has all of its doors at one controller, which counts its people. */
  readonly areas: readonly AreaRecord[];
  readonly doors: readonly SiteDoor[];
  readonly users: readonly SiteUser[];
  readonly passes: readonly SitePass[];
  readonly rules: readonly RuleRecord[];
  readonly schedules: readonly ScheduleRecord[];
}

export interface SiteDoor extends DoorSettings {
  readonly controller: ControllerId;
  readonly readers: readonly ReaderId[];
}

export interface SiteUser {
  readonly id: UserId;
  readonly name: string;
  readonly suspended: boolean;
  readonly traits: readonly UserTrait[];
}

export type SitePass = CardPass | PinPass;

interface PassValidity {
  readonly id: PassId;
  readonly user: UserId;
  readonly active: boolean;
  readonly startsAt?: EpochMs;
  readonly endsAt?: EpochMs;
  /** How many grants it is good for. Absent: any number. */
  readonly usesMax?: number;
  readonly traits: readonly PassTrait[];
}

export interface CardPass extends PassValidity {
  readonly kind: Exclude<PassKind, "pin">;
  /** As printed on the card; the format's name and its fields. */
  readonly card: { readonly format: string; readonly fields: CardFields };
  /** `card` as the reader sends it: what the door compares. */
  readonly raw: RawCredential;
}

export interface PinPass extends PassValidity {
  readonly kind: "pin";
  /** Keyed with the site's PIN key. The digits are kept nowhere. */
  readonly digest: PinDigest;
}
