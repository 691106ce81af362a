import { firstCrowdCard, type Plan, type PlannedPass } from "./plan.ts";

/** One card at one door at one moment. */
export interface Probe {
  readonly controller: string;
  readonly door: string;
  readonly card: number;
  /** Wall time, which is trusted. */
  readonly at: number;
}

/** What is known of the uses of a pass that has a use count. */
export type UsesLeft = "some" | "none" | "unknown";

/** What a table of this plan says of a card: `granted`, or the reason that it is denied for. */
export function outcomesOf(
  plan: Plan,
  probe: Probe,
  usesLeft: (pass: string, uses: number) => UsesLeft,
): readonly string[] {
  const door = plan.doors.get(probe.door);
  if (door?.controller !== probe.controller) return ["door_unknown"];
  if (door.posture === "disabled") return ["door_disabled"];
  if (door.posture === "lockdown") return ["lockdown"];
  const found = passOf(plan, probe.card);
  if (found === undefined || !isAt(plan, found[1].user, probe.controller)) {
    return ["unknown_credential"];
  }
  const [id, pass] = found;
  const early = beforeUses(plan, pass, probe.at);
  if (early !== undefined) return [early];
  const late = afterUses(plan, pass.user, probe);
  if (pass.uses === undefined) return [late];
  switch (usesLeft(id, pass.uses)) {
    case "some":
      return [late];
    case "none":
      return ["over_limit"];
    case "unknown":
      return [late, "over_limit"];
  }
}

/** The crowd's are not in the plan one by one. */
function passOf(plan: Plan, card: number): readonly [string, PlannedPass] | undefined {
  const inCrowd = card - firstCrowdCard;
  if (inCrowd >= 0) {
    const pass = { user: "somebody", number: card, isActive: true };
    return inCrowd < plan.crowdCount ? ["of the crowd", pass] : undefined;
  }
  return [...plan.passes].find(([, { number }]) => number === card);
}

/** In whose tables a user is: behaviour 2 and the site's own narrowing of them. */
function isAt(plan: Plan, user: string, controller: string): boolean {
  const isHere = (door: string) => plan.doors.get(door)?.controller === controller;
  const rules = [...plan.rules.values()].filter(
    (rule) => rule.users.includes(user) && rule.doors.some((door) => plan.doors.has(door)),
  );
  if (rules.length === 0) return true;
  if (rules.some(({ doors }) => doors.some(isHere))) return true;
  return [...plan.doors.values()].some(
    (door) => door.controller === controller && door.posture === "free_access",
  );
}

function beforeUses(plan: Plan, pass: PlannedPass, at: number): string | undefined {
  if (!pass.isActive) return "pass_inactive";
  if (plan.users.get(pass.user)?.isSuspended === true) return "user_suspended";
  if (pass.startsAt !== undefined && at < pass.startsAt) return "not_yet_valid";
  if (pass.endsAt !== undefined && at >= pass.endsAt) return "expired";
  return undefined;
}

function afterUses(plan: Plan, user: string, { door, at }: Probe): string {
  if (plan.doors.get(door)?.posture === "free_access") return "granted";
  const rules = [...plan.rules.values()].filter(
    (rule) => rule.users.includes(user) && rule.doors.includes(door),
  );
  if (rules.length === 0) return "no_access";
  const minute = Math.floor(at / 60_000) % 1_440;
  const isOpen = rules.some(({ schedule }) => {
    if (schedule === undefined) return true;
    const hours = plan.schedules.get(schedule);
    if (hours === undefined) return false;
    return minute >= hours.fromHour * 60 && minute < hours.toHour * 60;
  });
  return isOpen ? "granted" : "outside_schedule";
}
