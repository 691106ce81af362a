import type { FrameRule } from "../../domain/table-change.ts";
import { unreachable } from "../../domain/unreachable.ts";
import type { UnlockRule } from "../posture.ts";
import type { CompiledSchedule } from "../schedule.ts";

/** Whether this user, by number, names the rule of this ordinal. */
export type NamesRule = (user: number, ordinal: number) => boolean;

interface Numbering {
  readonly ordinal: number;
  readonly namesRule: NamesRule;
  readonly schedule: (id: NonNullable<FrameRule["schedule"]>) => CompiledSchedule;
}

/** What a rule does to the posture of its doors, or undefined for one that admits people instead. */
export function unlockRuleOf(
  rule: FrameRule,
  { ordinal, namesRule, schedule: scheduleOf }: Numbering,
): UnlockRule | undefined {
  const schedule = rule.schedule === undefined ? undefined : scheduleOf(rule.schedule);
  switch (rule.kind) {
    case "grant":
    case "grant_two_factors":
      return undefined;
    case "auto_unlock":
      return { kind: rule.kind, schedule, isFor: () => false };
    case "first_person_in": {
      const isForAnybody = rule.whom === "anybody";
      const isFor = isForAnybody ? () => true : (user: number) => namesRule(user, ordinal);
      return { kind: rule.kind, schedule, isFor };
    }
    default:
      return unreachable(rule.kind);
  }
}
