import type { RuleRecord } from "../domain/access.ts";
import { doorId, ruleId, scheduleId, userId, zoneId } from "../domain/ids.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { KeyPath } from "../protocols/toml/key-path.ts";
import type { TomlReport } from "../protocols/toml/located-toml.ts";
import { reportUnknownName } from "../protocols/toml/reference-checks.ts";
import { reportUnknownNames } from "./report-unknown-names.ts";
import type { RuleTable, SiteTables } from "./site-file-schema.ts";

export function readRules(tables: SiteTables, report: TomlReport): readonly RuleRecord[] {
  const idsOf = (list: readonly { readonly id: string }[]) => new Set(list.map(({ id }) => id));
  const lists = [
    ["users", "user", idsOf(tables.users)],
    ["doors", "door", idsOf(tables.doors)],
    ["zones", "zone", idsOf(tables.zones)],
  ] as const;
  const schedules = idsOf(tables.schedules);
  return tables.rules.map((rule, index) => {
    for (const [list, what, known] of lists) {
      const named = rule[list].map((id, place) => [["rules", index, list, place], id] as const);
      reportUnknownNames(report, { named, what, known });
    }
    const { id, kind, users, doors, zones, schedule } = rule;
    if (schedule !== undefined) {
      const path = ["rules", index, "schedule"];
      reportUnknownName(report, { path, what: "schedule", name: schedule, known: schedules });
    }
    checkParts(rule, ["rules", index], report);
    return {
      id: ruleId(id),
      kind,
      users: users.map(userId),
      doors: doors.map(doorId),
      zones: zones.map(zoneId),
      ...(schedule !== undefined && { schedule: scheduleId(schedule) }),
    };
  });
}

/** What a rule of its kind must have, and may not. */
function checkParts(rule: RuleTable, path: KeyPath, report: TomlReport): void {
  if (rule.doors.length === 0 && rule.zones.length === 0) {
    report.fault([...path, "doors"], "a list of one id of a door or more, or zones");
  }
  switch (rule.kind) {
    case "grant":
    case "grant_two_factors":
      if (rule.users.length > 0) return;
      report.fault([...path, "users"], "a list of one id of a user or more");
      return;
    case "auto_unlock":
      // Whoever names people means that the door opens to them; it would open to everybody.
      if (rule.users.length > 0) {
        report.fault([...path, "users"], 'no users in a rule of kind "auto_unlock"');
      }
      // A schedule that was forgotten would leave the house open for good.
      if (rule.schedule === undefined) {
        const always = 'a door that is always unlocked says posture = "unlocked"';
        report.fault([...path, "schedule"], `the schedule of its kind "auto_unlock" (${always})`);
      }
      return;
    case "first_person_in":
      if (rule.schedule !== undefined) return;
      report.fault([...path, "schedule"], 'the schedule of a rule of kind "first_person_in"');
      return;
    default:
      unreachable(rule.kind);
  }
}
