import { compileSchedule } from "../../../src/core/schedule.ts";
import type { DoorId, PassId, UserId } from "../../../src/domain/ids.ts";
import type { EpochMs } from "../../../src/domain/time.ts";
import type { LoadSubject } from "./subject.ts";
import {
  cardOf,
  datesOf,
  doorName,
  doorsOf,
  groupCount,
  groupsOf,
  hasOfficeHours,
  isActive,
  isSuspended,
  officeHours,
  passName,
  userName,
  zone,
} from "./world.ts";

interface Rule {
  readonly doors: ReadonlySet<DoorId>;
  readonly isOpen: (at: EpochMs) => boolean;
}

interface User {
  readonly id: UserId;
  readonly suspended: boolean;
  readonly rules: readonly (Rule | undefined)[];
}

interface Pass {
  readonly id: PassId;
  readonly user: User;
  readonly active: boolean;
  readonly startsAt: EpochMs;
  readonly endsAt: EpochMs;
}

/** What one would write first: a Map from the card's data to an object, and the same checks. */
export const loadMap: LoadSubject = async (passCount) => {
  const office = compileSchedule(officeHours, zone);
  const rules = Array.from(
    { length: groupCount },
    (_, group): Rule => ({
      doors: new Set(doorsOf(group).map(doorName)),
      isOpen: hasOfficeHours(group) ? (at) => office.isOpen(at) : () => true,
    }),
  );
  const passes = new Map<string, Pass>();
  for (let pass = 0; pass < passCount; pass += 1) {
    passes.set(cardOf(pass), {
      id: passName(pass),
      user: {
        id: userName(pass),
        suspended: isSuspended(pass),
        rules: groupsOf(pass).map((group) => rules[group]),
      },
      active: isActive(pass),
      ...datesOf(pass),
    });
  }

  return ({ presented, door, wall }) => {
    const found = passes.get(presented.card ?? "");
    if (found === undefined) return { kind: "denied", reason: "unknown_credential" };
    const named = { pass: found.id, user: found.user.id };
    if (!found.active) return { kind: "denied", reason: "pass_inactive", ...named };
    if (found.user.suspended) return { kind: "denied", reason: "user_suspended", ...named };
    if (wall.at < found.startsAt) return { kind: "denied", reason: "not_yet_valid", ...named };
    if (wall.at >= found.endsAt) return { kind: "denied", reason: "expired", ...named };
    const here = found.user.rules.filter((rule) => rule?.doors.has(door));
    if (here.length === 0) return { kind: "denied", reason: "no_access", ...named };
    if (here.some((rule) => rule?.isOpen(wall.at))) return { kind: "granted", ...named };
    return { kind: "denied", reason: "outside_schedule", ...named };
  };
};
