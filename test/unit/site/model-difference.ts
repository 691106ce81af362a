import { isDeepStrictEqual } from "node:util";
import type { RuleRecord } from "../../../src/domain/access.ts";
import type { RuleId } from "../../../src/domain/ids.ts";
import type {
  Membership,
  ModelChange,
  Put,
  SiteRule,
  Surroundings,
} from "../../../src/site/model-change.ts";
import type { SiteModel } from "../../../src/site/site-model.ts";

/** What leads from one whole model to another; without `before`, all that the other says. */
export function modelDifference(
  before: SiteModel | undefined,
  after: SiteModel,
  revision: number,
): ModelChange {
  const surroundings = surroundingsOf(after);
  const isAround = before !== undefined && isDeepStrictEqual(surroundingsOf(before), surroundings);
  return {
    revision,
    ...(!isAround && { surroundings }),
    users: puts(before?.users, after.users),
    passes: puts(before?.passes, after.passes),
    rules: puts(before?.rules.map(withoutUsers), after.rules.map(withoutUsers)),
    members: memberships(before?.rules ?? [], after.rules),
  };
}

function surroundingsOf({
  zone,
  calendar,
  zones,
  areas,
  doors,
  schedules,
}: SiteModel): Surroundings {
  return { zone, calendar, zones, areas, doors, schedules };
}

function withoutUsers({ users: _, ...rule }: RuleRecord): SiteRule {
  return rule;
}

function puts<Id extends string, Item extends { readonly id: Id }>(
  before: readonly Item[] = [],
  after: readonly Item[],
): readonly Put<Id, Item>[] {
  const known = new Map(before.map((item) => [item.id, item]));
  const changed: Put<Id, Item>[] = [];
  for (const item of after) {
    const was = known.get(item.id);
    known.delete(item.id);
    if (was !== item && !isDeepStrictEqual(was, item)) changed.push({ id: item.id, to: item });
  }
  return [...changed, ...[...known.keys()].map((id) => ({ id, to: undefined }))];
}

/** Who leaves a rule that goes need not be said. */
function* membershipChanges(
  before: readonly RuleRecord[],
  after: readonly RuleRecord[],
): Generator<Membership> {
  const known = new Map<RuleId, RuleRecord>(before.map((rule) => [rule.id, rule]));
  for (const { id: rule, users } of after) {
    const were = new Set(known.get(rule)?.users);
    for (const user of users) if (!were.delete(user)) yield { rule, user, is: "in" };
    for (const user of were) yield { rule, user, is: "out" };
  }
}

const memberships = (
  before: readonly RuleRecord[],
  after: readonly RuleRecord[],
): readonly Membership[] => [...membershipChanges(before, after)];
