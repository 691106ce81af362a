import type { ControllerId, PassId, RuleId, SiteId, UserId } from "../domain/ids.ts";
import type { SiteRule } from "./model-change.ts";
import type { SitePlaces } from "./site-places.ts";
import { type IndexedPass, type IndexedUser, isAt, type SiteState } from "./site-state.ts";

/** What a change is told of before it is made: each thing once, as it was. */
type Was<Key, Value> = Map<Key, Value | undefined>;

/**
 * The site as it was before a change that was made to it since: what is noted here, and everything
 * else as it is. Good for as long as no other change is made.
 */
export class StateBefore implements SiteState {
  readonly site: SiteId;
  readonly places: SitePlaces;
  /** Users of whom something may be different in some table. */
  readonly touchedUsers = new Set<UserId>();
  readonly usersWere: Was<UserId, IndexedUser> = new Map();
  readonly passesWere: Was<PassId, IndexedPass> = new Map();
  readonly rulesWere: Was<RuleId, SiteRule> = new Map();
  readonly coverages = new Map<RuleId, ReadonlySet<ControllerId>>();
  /** All that named a user, whether they cover a door or not. */
  readonly memberships = new Map<UserId, readonly RuleId[]>();
  /** How many users a rule had. */
  readonly memberCounts = new Map<RuleId, number>();
  /** Who was at a controller that anybody may have come to or gone from without being touched. */
  readonly anybodyAt = new Map<ControllerId, readonly IndexedUser[]>();
  readonly #now: SiteState;
  #passesByUser: ReadonlyMap<UserId, readonly IndexedPass[]> | undefined;

  constructor(now: SiteState) {
    this.#now = now;
    this.site = now.site;
    this.places = now.places;
  }

  noteUser(id: UserId, was: IndexedUser | undefined): void {
    if (!this.usersWere.has(id)) this.usersWere.set(id, was);
    this.touchedUsers.add(id);
  }

  notePass(id: PassId, was: IndexedPass | undefined): void {
    if (!this.passesWere.has(id)) this.passesWere.set(id, was);
  }

  noteRule(id: RuleId, was: SiteRule | undefined): void {
    if (!this.rulesWere.has(id)) this.rulesWere.set(id, was);
  }

  /** `memberCount`: of the rule that somebody comes into or leaves; `rules`: of whoever does. */
  noteMembership(
    rule: RuleId,
    memberCount: number,
    { user, rules }: { readonly user: UserId; readonly rules: Iterable<RuleId> },
  ): void {
    if (!this.memberCounts.has(rule)) this.memberCounts.set(rule, memberCount);
    if (!this.memberships.has(user)) this.memberships.set(user, [...rules]);
    this.touchedUsers.add(user);
  }

  noteCoverage(rule: RuleId, was: ReadonlySet<ControllerId>, members: Iterable<UserId>): void {
    if (!this.coverages.has(rule)) this.coverages.set(rule, was);
    for (const user of members) this.touchedUsers.add(user);
  }

  *users(): Generator<IndexedUser> {
    for (const user of this.#now.users()) if (!this.usersWere.has(user.id)) yield user;
    for (const user of this.usersWere.values()) if (user !== undefined) yield user;
  }

  user(id: UserId): IndexedUser | undefined {
    return this.usersWere.has(id) ? this.usersWere.get(id) : this.#now.user(id);
  }

  pass(id: PassId): IndexedPass | undefined {
    return this.passesWere.has(id) ? this.passesWere.get(id) : this.#now.pass(id);
  }

  rule(id: RuleId): SiteRule | undefined {
    return this.rulesWere.has(id) ? this.rulesWere.get(id) : this.#now.rule(id);
  }

  *passesOf(user: UserId): Generator<IndexedPass> {
    for (const pass of this.#now.passesOf(user)) if (!this.passesWere.has(pass.id)) yield pass;
    this.#passesByUser ??= byUser(this.passesWere.values());
    yield* this.#passesByUser.get(user) ?? [];
  }

  rulesAt(controller: ControllerId): readonly SiteRule[] {
    const here = this.#now.rulesAt(controller).map(({ id }) => id);
    const ids = new Set([...here, ...this.rulesWere.keys(), ...this.coverages.keys()]);
    return [...ids]
      .filter((id) => this.coverageOf(id).has(controller))
      .sort()
      .flatMap((id) => this.rule(id) ?? []);
  }

  hasMembers(rule: RuleId): boolean {
    const count = this.memberCounts.get(rule);
    return count === undefined ? this.#now.hasMembers(rule) : count > 0;
  }

  coverageOf(rule: RuleId): ReadonlySet<ControllerId> {
    return this.coverages.get(rule) ?? this.#now.coverageOf(rule);
  }

  membershipsOf(user: UserId): Iterable<RuleId> {
    return this.memberships.get(user) ?? this.#now.membershipsOf(user);
  }

  *usersAt(controller: ControllerId): Generator<IndexedUser> {
    const anybody = this.anybodyAt.get(controller);
    if (anybody !== undefined) return yield* anybody;
    for (const user of this.#now.usersAt(controller)) {
      if (!this.touchedUsers.has(user.id)) yield user;
    }
    for (const id of this.touchedUsers) {
      const user = this.user(id);
      if (user !== undefined && isAt(this, id, controller)) yield user;
    }
  }
}

function byUser(
  passes: Iterable<IndexedPass | undefined>,
): ReadonlyMap<UserId, readonly IndexedPass[]> {
  const groups = new Map<UserId, IndexedPass[]>();
  for (const pass of passes) {
    if (pass === undefined) continue;
    const group = groups.get(pass.user);
    if (group === undefined) groups.set(pass.user, [pass]);
    else group.push(pass);
  }
  return groups;
}
