declare const brand: unique symbol;
type Id<Kind extends string> = string & { readonly [brand]: Kind };

export type SiteId = Id<"site">;
export type ControllerId = Id<"controller">;
export type DoorId = Id<"door">;
export type ReaderId = Id<"reader">;
export type UserId = Id<"user">;
export type PassId = Id<"pass">;
export type RuleId = Id<"rule">;
export type ScheduleId = Id<"schedule">;
export type ZoneId = Id<"zone">;
export type AreaId = Id<"area">;
export type DayTypeId = Id<"day type">;

/**
 * An identifier as it may stand in a config file, a topic or a URL: 1-64 of `a-z A-Z 0-9 _ -`. MQTT
 * wildcards and separators, path separators and control characters are thereby out everywhere.
 */
const idPattern = /^[A-Za-z0-9_-]{1,64}$/;

export function isId(text: string): boolean {
  return idPattern.test(text);
}

/** What every message about a bad identifier says was expected. */
export const idExpectation = "1 to 64 letters, digits, '-' or '_'";

export const siteId = (text: string): SiteId => text as SiteId;
export const controllerId = (text: string): ControllerId => text as ControllerId;
export const doorId = (text: string): DoorId => text as DoorId;
export const readerId = (text: string): ReaderId => text as ReaderId;
export const userId = (text: string): UserId => text as UserId;
export const passId = (text: string): PassId => text as PassId;
export const ruleId = (text: string): RuleId => text as RuleId;
export const scheduleId = (text: string): ScheduleId => text as ScheduleId;
export const zoneId = (text: string): ZoneId => text as ZoneId;
export const areaId = (text: string): AreaId => text as AreaId;
export const dayTypeId = (text: string): DayTypeId => text as DayTypeId;
