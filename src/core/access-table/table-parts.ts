import type { PassRecord, RuleRecord, TableContent } from "../../domain/access.ts";
import type { RuleId, UserId } from "../../domain/ids.ts";
import type { FrameRule, TableFrame, TableUser } from "../../domain/table-change.ts";

/** A table's content with the people apart from what they are people of. */
export interface TableParts {
  readonly frame: TableFrame;
  readonly users: readonly TableUser[];
  readonly passes: readonly PassRecord[];
}

/** Throws where a rule names a user whom the table lacks. */
export function partsOfContent(content: TableContent): TableParts {
  const rulesOf = new Map<UserId, RuleId[]>(content.users.map(({ id }) => [id, []]));
  for (const rule of content.rules) {
    if (!takesUsers(rule.kind)) continue;
    for (const user of new Set(rule.users)) {
      const rules = rulesOf.get(user);
      if (rules === undefined) {
        throw new Error(`the table refers to user ${user}, which it lacks`);
      }
      rules.push(rule.id);
    }
  }
  const { site, controller, zone, calendar, zones, areas, doors, schedules, mobile } = content;
  const rules = content.rules.map(frameRule);
  const frame = { site, controller, zone, calendar, zones, areas, doors, rules, schedules };
  return {
    frame: mobile === undefined ? frame : { ...frame, mobile },
    users: content.users.map((user) => ({ ...user, rules: rulesOf.get(user.id) ?? [] })),
    passes: content.passes,
  };
}

/**
 * The way back. A rule for named users that names nobody does nothing, and the content, in which no
 * names may mean anybody, goes without it.
 */
export function contentOfParts(
  parts: TableParts,
  of: Pick<TableContent, "table" | "compiledAt">,
): TableContent {
  const usersOf = new Map<RuleId, UserId[]>(parts.frame.rules.map(({ id }) => [id, []]));
  for (const user of parts.users) for (const rule of user.rules) usersOf.get(rule)?.push(user.id);
  return {
    ...parts.frame,
    table: of.table,
    compiledAt: of.compiledAt,
    users: parts.users.map(({ rules: _, ...user }) => user),
    passes: parts.passes,
    rules: parts.frame.rules.flatMap(({ whom, ...rule }): readonly RuleRecord[] => {
      const users = usersOf.get(rule.id) ?? [];
      const isIdle = rule.kind === "first_person_in" && whom === "named_users";
      return isIdle && users.length === 0 ? [] : [{ ...rule, users }];
    }),
  };
}

function frameRule({ users, ...rule }: RuleRecord): FrameRule {
  const isForAnybody = rule.kind === "first_person_in" && users.length === 0;
  return { ...rule, whom: isForAnybody ? "anybody" : "named_users" };
}

function takesUsers(kind: RuleRecord["kind"]): boolean {
  return kind !== "auto_unlock";
}
