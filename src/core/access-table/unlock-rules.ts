import type { RuleRecord } from "../../domain/access.ts";
import { unreachable } from "../../domain/unreachable.ts";
import type { UnlockRule } from "../posture.ts";
import type { CompiledSchedule } from "../schedule.ts";

interface Numbering {
  readonly userNumber: (id: RuleRecord["users"][number]) => number;
  readonly schedule: (id: NonNullable<RuleRecord["schedule"]>) => CompiledSchedule;
}

/** What a rule does to the posture of its doors, or undefined for one that admits people instead. */
export function unlockRuleOf(rule: RuleRecord, numbering: Numbering): UnlockRule | undefined {
  const schedule = rule.schedule === undefined ? undefined : numbering.schedule(rule.schedule);
  switch (rule.kind) {
    case "grant":
    case "grant_two_factors":
      return undefined;
    case "auto_unlock":
      return { kind: rule.kind, schedule, isFor: () => false };
    case "first_person_in": {
      // Sorted numbers, since sets of a whole site's users would be the garbage collector's burden.
      const users = Uint32Array.from(rule.users, numbering.userNumber).sort();
      const isFor = users.length === 0 ? () => true : (user: number) => holds(users, user);
      return { kind: rule.kind, schedule, isFor };
    }
    default:
      return unreachable(rule.kind);
  }
}

function holds(sorted: Uint32Array, wanted: number): boolean {
  let from = 0;
  let until = sorted.length;
  while (from < until) {
    const middle = (from + until) >>> 1;
    if ((sorted[middle] ?? Infinity) < wanted) from = middle + 1;
    else until = middle;
  }
  return sorted[from] === wanted;
}
