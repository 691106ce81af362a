import type { PassRecord } from "../domain/access.ts";
import type { ControllerId, PassId, RuleId, SiteId, UserId } from "../domain/ids.ts";
import type { Membership, ModelChange, SiteRule, Surroundings } from "./model-change.ts";
import { Multimap } from "./multimap.ts";
import type { SitePass, SiteUser } from "./site-model.ts";
import { SitePlaces } from "./site-places.ts";
import { type IndexedPass, type IndexedUser, rulesOf, type SiteState } from "./site-state.ts";
import { StateBefore } from "./state-before.ts";

/** What changes say, without their revision. */
export type IndexChange = Omit<ModelChange, "revision">;

const noSurroundings: Surroundings = {
  zone: "UTC",
  calendar: [],
  zones: [],
  areas: [],
  doors: [],
  schedules: [],
};

const nowhere: ReadonlySet<ControllerId> = new Set();

/**
 * A site, kept by what is asked of it to make tables. A change costs what it touches, and not what
 * there is: at a million passes, one that is issued is as soon on its way as at ten.
 */
export class SiteIndex implements SiteState {
  readonly site: SiteId;
  #places = new SitePlaces(noSurroundings);
  readonly #users = new Map<UserId, IndexedUser>();
  readonly #passes = new Map<PassId, IndexedPass>();
  readonly #passesOf = new Multimap<UserId, PassId>();
  readonly #rules = new Map<RuleId, SiteRule>();
  readonly #coverages = new Map<RuleId, ReadonlySet<ControllerId>>();
  readonly #rulesAt = new Map<ControllerId, Set<RuleId>>();
  readonly #members = new Map<RuleId, Set<UserId>>();
  readonly #rulesOf = new Multimap<UserId, RuleId>();
  /** Users in no rule that covers a door. */
  readonly #ruleless = new Set<UserId>();

  constructor(site: SiteId) {
    this.site = site;
  }

  get places(): SitePlaces {
    return this.#places;
  }

  passIds(): Iterable<PassId> {
    return this.#passes.keys();
  }

  users(): Iterable<IndexedUser> {
    return this.#users.values();
  }

  user(id: UserId): IndexedUser | undefined {
    return this.#users.get(id);
  }

  pass(id: PassId): IndexedPass | undefined {
    return this.#passes.get(id);
  }

  rule(id: RuleId): SiteRule | undefined {
    return this.#rules.get(id);
  }

  *passesOf(user: UserId): Generator<IndexedPass> {
    for (const id of this.#passesOf.of(user)) {
      const pass = this.#passes.get(id);
      if (pass !== undefined) yield pass;
    }
  }

  rulesAt(controller: ControllerId): readonly SiteRule[] {
    const ids = [...(this.#rulesAt.get(controller) ?? [])].sort();
    return ids.flatMap((id) => this.#rules.get(id) ?? []);
  }

  hasMembers(rule: RuleId): boolean {
    return (this.#members.get(rule)?.size ?? 0) > 0;
  }

  coverageOf(rule: RuleId): ReadonlySet<ControllerId> {
    return this.#coverages.get(rule) ?? nowhere;
  }

  membershipsOf(user: UserId): Iterable<RuleId> {
    return this.#rulesOf.of(user);
  }

  usersAt(controller: ControllerId): Iterable<IndexedUser> {
    const { controllers, freeControllers } = this.#places;
    if (!controllers.has(controller)) return [];
    if (freeControllers.has(controller)) return this.#users.values();
    const here = new Set<IndexedUser>();
    const add = (id: UserId): void => {
      const user = this.#users.get(id);
      if (user !== undefined) here.add(user);
    };
    this.#ruleless.forEach(add);
    for (const rule of this.#rulesAt.get(controller) ?? []) this.#members.get(rule)?.forEach(add);
    return here;
  }

  /** Takes all of it up without a note of what was before. */
  fill(change: IndexChange): void {
    this.#make(change, undefined);
  }

  /**
   * Makes the change, and says what was before: until the next change, which may be `undo` of this.
   * Throws a `TableFault` where zones do not hold together, and changes nothing then.
   */
  change(change: IndexChange): { readonly before: StateBefore; readonly undo: () => void } {
    const before = new StateBefore(this);
    this.#make(change, before);
    return { before, undo: () => this.#undo(before) };
  }

  #make(change: IndexChange, before: StateBefore | undefined): void {
    const { surroundings, users, passes, rules, members } = change;
    const places = surroundings === undefined ? undefined : new SitePlaces(surroundings);
    if (places !== undefined) this.#movePlaces(places, before);
    for (const { id, to } of rules) if (to !== undefined) this.#putRule(id, to, before);
    for (const { id, to } of users) {
      if (to !== undefined) this.#putUser(id, indexedUser(to), before);
    }
    for (const membership of members) this.#putMember(membership, before);
    for (const { id, to } of passes) {
      this.#putPass(id, to === undefined ? undefined : indexedPass(to), before);
    }
    // Whoever goes leaves every rule, and a rule loses everybody, whether that is said or not.
    for (const { id, to } of users) if (to === undefined) this.#removeUser(id, before);
    for (const { id, to } of rules) if (to === undefined) this.#removeRule(id, before);
  }

  #undo(before: StateBefore): void {
    if (this.#places !== before.places) this.#movePlaces(before.places, undefined);
    for (const [id, rule] of before.rulesWere) {
      if (rule !== undefined) this.#putRule(id, rule, undefined);
    }
    for (const [id, user] of before.usersWere) this.#putUser(id, user, undefined);
    for (const [user, rules] of before.memberships) {
      const were = new Set(rules);
      for (const rule of [...this.#rulesOf.of(user)]) {
        if (!were.has(rule)) this.#putMember({ rule, user, is: "out" }, undefined);
      }
      for (const rule of were) this.#putMember({ rule, user, is: "in" }, undefined);
    }
    for (const [id, pass] of before.passesWere) this.#putPass(id, pass, undefined);
    for (const [id, rule] of before.rulesWere)
      if (rule === undefined) this.#removeRule(id, undefined);
  }

  #movePlaces(places: SitePlaces, before: StateBefore | undefined): void {
    const was = this.#places;
    if (before !== undefined) {
      for (const controller of [
        ...exclusiveTo(was.controllers, places.controllers),
        ...exclusiveTo(was.freeControllers, places.freeControllers),
      ]) {
        before.anybodyAt.set(controller, [...this.usersAt(controller)]);
      }
    }
    this.#places = places;
    for (const rule of this.#rules.values()) {
      this.#setCoverage(rule.id, places.coverageOf(rule), before);
    }
  }

  #putUser(id: UserId, user: IndexedUser | undefined, before: StateBefore | undefined): void {
    const was = this.#users.get(id);
    before?.noteUser(id, was);
    if (user === undefined) this.#users.delete(id);
    else this.#users.set(id, user);
    this.#settle(id);
  }

  #removeUser(id: UserId, before: StateBefore | undefined): void {
    for (const rule of [...this.#rulesOf.of(id)]) {
      this.#putMember({ rule, user: id, is: "out" }, before);
    }
    this.#putUser(id, undefined, before);
  }

  #putPass(id: PassId, pass: IndexedPass | undefined, before: StateBefore | undefined): void {
    const was = this.#passes.get(id);
    before?.notePass(id, was);
    if (was !== undefined && was.user !== pass?.user) this.#passesOf.delete(was.user, id);
    if (pass === undefined) this.#passes.delete(id);
    else {
      this.#passes.set(id, pass);
      this.#passesOf.add(pass.user, id);
    }
  }

  #putRule(id: RuleId, rule: SiteRule, before: StateBefore | undefined): void {
    before?.noteRule(id, this.#rules.get(id));
    this.#rules.set(id, rule);
    this.#setCoverage(id, this.#places.coverageOf(rule), before);
  }

  #removeRule(id: RuleId, before: StateBefore | undefined): void {
    for (const user of [...(this.#members.get(id) ?? [])]) {
      this.#putMember({ rule: id, user, is: "out" }, before);
    }
    before?.noteRule(id, this.#rules.get(id));
    this.#setCoverage(id, nowhere, before);
    this.#rules.delete(id);
    this.#coverages.delete(id);
    this.#members.delete(id);
  }

  #putMember({ rule, user, is }: Membership, before: StateBefore | undefined): void {
    const members = this.#members.get(rule) ?? new Set();
    if (members.has(user) === (is === "in")) return;
    before?.noteMembership(rule, members.size, { user, rules: this.#rulesOf.of(user) });
    if (is === "in") {
      members.add(user);
      this.#members.set(rule, members);
      this.#rulesOf.add(user, rule);
    } else {
      members.delete(user);
      this.#rulesOf.delete(user, rule);
    }
    this.#settle(user);
  }

  #setCoverage(
    rule: RuleId,
    coverage: ReadonlySet<ControllerId>,
    before: StateBefore | undefined,
  ): void {
    const was = this.coverageOf(rule);
    this.#coverages.set(rule, coverage);
    const [left, come] = [exclusiveOf(was, coverage), exclusiveOf(coverage, was)];
    if (left.length === 0 && come.length === 0) return;
    const members = this.#members.get(rule) ?? [];
    before?.noteCoverage(rule, was, members);
    for (const controller of left) this.#rulesAt.get(controller)?.delete(rule);
    for (const controller of come) {
      const here = this.#rulesAt.get(controller);
      if (here === undefined) this.#rulesAt.set(controller, new Set([rule]));
      else here.add(rule);
    }
    // Whether it covers a door at all decides who is in no rule.
    if (was.size === 0 || coverage.size === 0) for (const user of members) this.#settle(user);
  }

  #settle(user: UserId): void {
    const isRuleless = this.#users.has(user) && rulesOf(this, user).length === 0;
    if (isRuleless) this.#ruleless.add(user);
    else this.#ruleless.delete(user);
  }
}

const indexedUser = ({ id, suspended, traits }: SiteUser): IndexedUser => ({
  id,
  suspended,
  traits,
});

/** With its fields in the order of `PassRecord`, by which tables are told apart. */
function indexedPass(pass: SitePass): IndexedPass {
  const { id, user, kind, active, startsAt, endsAt, usesMax, traits } = pass;
  const presents: PassRecord["presents"] =
    pass.kind === "pin" ? { as: "pin", digest: pass.digest } : { as: "raw", raw: pass.raw };
  return {
    id,
    user,
    kind,
    active,
    ...(startsAt !== undefined && { startsAt }),
    ...(endsAt !== undefined && { endsAt }),
    ...(usesMax !== undefined && { usesMax }),
    ...(traits.length > 0 && { traits }),
    presents,
  };
}

function exclusiveTo<Item>(one: ReadonlySet<Item>, other: ReadonlySet<Item>): readonly Item[] {
  return [...exclusiveOf(one, other), ...exclusiveOf(other, one)];
}

/** What is in the first of the two and not in the other. */
function exclusiveOf<Item>(one: ReadonlySet<Item>, other: ReadonlySet<Item>): readonly Item[] {
  if (one === other) return [];
  return [...one].filter((item) => !other.has(item));
}
