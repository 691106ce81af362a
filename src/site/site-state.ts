import type { PassRecord, UserTrait } from "../domain/access.ts";
import type { ControllerId, PassId, RuleId, SiteId, UserId } from "../domain/ids.ts";
import type { SiteRule } from "./model-change.ts";
import type { SitePlaces } from "./site-places.ts";

/** A user as tables are made from him: they have no names. */
export interface IndexedUser {
  readonly id: UserId;
  readonly suspended: boolean;
  readonly traits: readonly UserTrait[];
}

/** A pass as every controller's table has it, but for what is spent of it. */
export type IndexedPass = Omit<PassRecord, "spentHere" | "spentElsewhere">;

/** A site as it is at one time, by what is asked of it to make tables. */
export interface SiteState {
  readonly site: SiteId;
  readonly places: SitePlaces;
  users(): Iterable<IndexedUser>;
  user(id: UserId): IndexedUser | undefined;
  pass(id: PassId): IndexedPass | undefined;
  passesOf(user: UserId): Iterable<IndexedPass>;
  rule(id: RuleId): SiteRule | undefined;
  /** The rules that cover a door of this controller, by their ids. */
  rulesAt(controller: ControllerId): readonly SiteRule[];
  hasMembers(rule: RuleId): boolean;
  /** The controllers with a door that the rule covers, itself or by a zone. */
  coverageOf(rule: RuleId): ReadonlySet<ControllerId>;
  /** The rules that name this user, whether they cover a door or not. */
  membershipsOf(user: UserId): Iterable<RuleId>;
  /** Those in whose scope the controller is, each once. */
  usersAt(controller: ControllerId): Iterable<IndexedUser>;
}

const nowhere: ReadonlySet<ControllerId> = new Set();

/** Of the rules that name this user, those that cover a door: the others say nothing of anybody. */
export function rulesOf(state: SiteState, user: UserId): readonly RuleId[] {
  const rules: RuleId[] = [];
  for (const rule of state.membershipsOf(user)) {
    if (state.coverageOf(rule).size > 0) rules.push(rule);
  }
  return rules;
}

/**
 * Whose tables this user is in. Where a rule that names him covers a door; everywhere, where none
 * does, since who has no rule yet is told `no_access` and not that nobody knows him (behaviour 2).
 */
export function scopeOf(state: SiteState, user: UserId): ReadonlySet<ControllerId> {
  if (state.user(user) === undefined) return nowhere;
  const [first, ...others] = rulesOf(state, user);
  if (first === undefined) return state.places.controllers;
  const covered = state.coverageOf(first);
  // Most are in one rule, and at most sites no door is free: their scope is the rule's own set.
  if (others.length === 0 && state.places.freeControllers.size === 0) return covered;
  const scope = new Set([...covered, ...state.places.freeControllers]);
  for (const rule of others) {
    for (const controller of state.coverageOf(rule)) scope.add(controller);
  }
  return scope;
}

/** Whether the controller is in the scope of this user: `scopeOf` without the set. */
export function isAt(state: SiteState, user: UserId, controller: ControllerId): boolean {
  if (state.user(user) === undefined) return false;
  const rules = rulesOf(state, user);
  if (rules.length === 0 || state.places.freeControllers.has(controller)) {
    return state.places.controllers.has(controller);
  }
  return rules.some((rule) => state.coverageOf(rule).has(controller));
}
