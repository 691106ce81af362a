import type { AccessRequest, Decision } from "../../../src/core/authorize.ts";
import type { PassRecord, TableContent } from "../../../src/domain/access.ts";
import type { DenialReason } from "../../../src/domain/reason.ts";

/**
 * The decision told from behaviours 5 and 27 over the plain records, one `if` after another: the
 * truth that the fast one is held against. It knows neither the index nor the list of checks, and
 * reads the wall clock by Intl, so its schedules are right away from changes of clocks only.
 */
export function naiveAuthorize(content: TableContent, request: AccessRequest): Decision {
  const { presented, wall } = request;
  const door = content.doors.find(({ id }) => id === request.door);
  const pass = content.passes.find(({ presents }) =>
    presents.as === "raw"
      ? presents.raw === presented.card
      : presented.card === undefined && presents.digest === presented.pin,
  );
  const deny = (reason: DenialReason): Decision =>
    pass === undefined
      ? { kind: "denied", reason }
      : { kind: "denied", reason, pass: pass.id, user: pass.user };

  if (door === undefined) return deny("door_unknown");
  if (pass === undefined) return deny("unknown_credential");
  const denyUntimed = wall.quality === "unknown" && door.clockUnknown === "deny";
  const invalid = (one: PassRecord): DenialReason | undefined => {
    if (denyUntimed && (one.startsAt !== undefined || one.endsAt !== undefined)) {
      return "clock_unknown";
    }
    if (wall.quality === "unknown") return undefined;
    if (one.startsAt !== undefined && wall.at < one.startsAt) return "not_yet_valid";
    if (one.endsAt !== undefined && wall.at >= one.endsAt) return "expired";
    return undefined;
  };
  if (!pass.active) return deny("pass_inactive");
  if (content.users.find(({ id }) => id === pass.user)?.suspended !== false) {
    return deny("user_suspended");
  }
  const fault = invalid(pass);
  if (fault !== undefined) return deny(fault);

  const here = content.rules.filter(
    ({ users, doors }) => users.includes(pass.user) && doors.includes(door.id),
  );
  if (here.length === 0) return deny("no_access");
  const isInForce = here.some((rule) => {
    if (rule.schedule === undefined) return true;
    if (wall.quality === "unknown") return door.clockUnknown === "allow";
    const times = content.schedules.find(({ id }) => id === rule.schedule)?.intervals ?? [];
    const minute = minuteOfWeek(content.zone, wall.at);
    return times.some(({ days, fromMinute, toMinute }) =>
      days.some((day) => {
        const length = toMinute - fromMinute + (toMinute <= fromMinute ? 1_440 : 0);
        return (minute - (day - 1) * 1_440 - fromMinute + 2 * 10_080) % 10_080 < length;
      }),
    );
  });
  if (!isInForce) return deny(wall.quality === "unknown" ? "clock_unknown" : "outside_schedule");

  const named = { pass: pass.id, user: pass.user };
  if (presented.card === undefined) {
    return door.factors === "card_or_pin"
      ? { kind: "granted", ...named }
      : deny("pin_alone_not_allowed");
  }
  if (door.factors !== "card_and_pin") return { kind: "granted", ...named };
  if (presented.pin === undefined) return { kind: "pin_required", ...named };
  const second = content.passes.find(
    ({ presents }) => presents.as === "pin" && presents.digest === presented.pin,
  );
  if (second === undefined) return deny("wrong_pin");
  if (second.user !== pass.user) return deny("pin_of_another_user");
  if (!second.active) return deny("pass_inactive");
  const secondFault = invalid(second);
  return secondFault === undefined ? { kind: "granted", ...named } : deny(secondFault);
}

/** Whole minutes since Monday 00:00 on the wall. */
function minuteOfWeek(zone: string, at: number): number {
  const shown = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "short",
  }).format(at);
  const wallMinutes = Date.parse(`${shown.replace(" ", "T")}:00Z`) / 60_000;
  // 1970-01-01 was a Thursday.
  return (wallMinutes + 3 * 1_440) % 10_080;
}
