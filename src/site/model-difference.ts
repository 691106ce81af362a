import { isDeepStrictEqual } from "node:util";
import type { RuleRecord } from "../domain/access.ts";
import type { ControllerId, PassId, UserId } from "../domain/ids.ts";
import type { SiteIndex } from "./site-index.ts";
import type { SiteModel, SitePass, SiteUser } from "./site-model.ts";

/** Where two models may make different tables; it may name too many, and never too few. */
export interface Touched {
  /** Something other than people, which any controller's frame may show. */
  readonly surroundings: boolean;
  readonly users: ReadonlySet<UserId>;
  readonly passes: ReadonlySet<PassId>;
  /** Those that anybody may have come to or gone from without being touched. */
  readonly controllers: ReadonlySet<ControllerId>;
}

const nothing: Touched = {
  surroundings: false,
  users: new Set(),
  passes: new Set(),
  controllers: new Set(),
};

export function findTouched(before: SiteIndex, after: SiteIndex): Touched {
  if (before === after) return nothing;
  const surroundings = !isDeepStrictEqual(withoutPeople(before.model), withoutPeople(after.model));
  const users = changedKeys(before.users, after.users, isSameUser);
  for (const user of usersOfChangedRules(before, after)) users.add(user);
  const controllers = new Set([
    ...exclusiveTo(before.controllers, after.controllers),
    ...exclusiveTo(before.freeControllers, after.freeControllers),
  ]);
  const passes = changedKeys(before.passes, after.passes, isSamePass);
  return { surroundings, users, passes, controllers };
}

function withoutPeople({ users: _, passes: __, rules, ...surroundings }: SiteModel) {
  return {
    ...surroundings,
    rules: rules.map(({ users, ...rule }) => ({ ...rule, isForAnybody: users.length === 0 })),
  };
}

function changedKeys<Key, Item>(
  before: ReadonlyMap<Key, Item>,
  after: ReadonlyMap<Key, Item>,
  isSame: (one: Item, other: Item) => boolean,
): Set<Key> {
  const changed = new Set<Key>();
  for (const [key, item] of after) {
    const known = before.get(key);
    if (known === undefined || !(known === item || isSame(known, item))) changed.add(key);
  }
  for (const key of before.keys()) if (!after.has(key)) changed.add(key);
  return changed;
}

// Field by field: a site may have a million of them, and most are as they were.

function isSameUser(one: SiteUser, other: SiteUser): boolean {
  return one.suspended === other.suspended && isSameList(one.traits, other.traits);
}

function isSamePass(one: SitePass, other: SitePass): boolean {
  return (
    one.user === other.user &&
    one.kind === other.kind &&
    one.active === other.active &&
    one.startsAt === other.startsAt &&
    one.endsAt === other.endsAt &&
    one.usesMax === other.usesMax &&
    isSameList(one.traits, other.traits) &&
    presented(one) === presented(other)
  );
}

const presented = (pass: SitePass): string => (pass.kind === "pin" ? pass.digest : pass.raw);

function isSameList<Item>(one: readonly Item[], other: readonly Item[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at]);
}

/** Those whom a rule names that did not, or no longer does, or does so at other controllers. */
function* usersOfChangedRules(before: SiteIndex, after: SiteIndex): Generator<UserId> {
  const rulesBefore = new Map(before.model.rules.map((rule) => [rule.id, rule]));
  for (const rule of after.model.rules) {
    const known = rulesBefore.get(rule.id);
    rulesBefore.delete(rule.id);
    if (known === undefined) yield* rule.users;
    else yield* usersOfChangedRule({ before, after }, known, rule);
  }
  for (const gone of rulesBefore.values()) yield* gone.users;
}

function* usersOfChangedRule(
  { before, after }: { readonly before: SiteIndex; readonly after: SiteIndex },
  known: RuleRecord,
  rule: RuleRecord,
): Generator<UserId> {
  const coverages = [before.coverageOf(rule.id), after.coverageOf(rule.id)] as const;
  if (exclusiveTo(...coverages).length > 0) {
    yield* known.users;
    yield* rule.users;
  } else if (!isSameList(known.users, rule.users)) {
    yield* exclusiveTo(new Set(known.users), new Set(rule.users));
  }
}

/** What is in one of the two and not in the other. */
function exclusiveTo<Item>(one: ReadonlySet<Item>, other: ReadonlySet<Item>): readonly Item[] {
  return [
    ...[...one].filter((item) => !other.has(item)),
    ...[...other].filter((item) => !one.has(item)),
  ];
}
