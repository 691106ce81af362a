import { zoneDoors } from "../core/access-table/zone-doors.ts";
import type { RuleRecord } from "../domain/access.ts";
import type { ControllerId, PassId, RuleId, UserId } from "../domain/ids.ts";
import type { SiteDoor, SiteModel, SitePass, SiteUser } from "./site-model.ts";

const nowhere: ReadonlySet<ControllerId> = new Set();

/**
 * A model by what is asked of it to make tables: which rules name whom, and which controllers that
 * concerns. Made once for a model and shared by the views of all its controllers, so that a changed
 * pass costs as much as there are controllers that it concerns, and not as there are passes.
 */
export class SiteIndex {
  readonly model: SiteModel;
  /** Those with a door, in the order in which the model names them. */
  readonly controllers: ReadonlySet<ControllerId>;
  /** Those with a door that admits every valid pass, which must therefore be known there. */
  readonly freeControllers: ReadonlySet<ControllerId>;
  readonly users: ReadonlyMap<UserId, SiteUser>;
  readonly passes: ReadonlyMap<PassId, SitePass>;
  readonly #doorsOf: ReadonlyMap<ControllerId, readonly SiteDoor[]>;
  readonly #passesOf: ReadonlyMap<UserId, readonly SitePass[]>;
  readonly #coverageOf: ReadonlyMap<RuleId, ReadonlySet<ControllerId>>;
  readonly #rulesAt: ReadonlyMap<ControllerId, readonly RuleRecord[]>;
  readonly #rulesOf: ReadonlyMap<UserId, readonly RuleRecord[]>;
  #ruleless: readonly SiteUser[] | undefined;

  constructor(model: SiteModel) {
    this.model = model;
    this.users = new Map(model.users.map((user) => [user.id, user]));
    this.passes = new Map(model.passes.map((pass) => [pass.id, pass]));
    this.#doorsOf = grouped(model.doors, (door) => [door.controller]);
    this.#passesOf = grouped(model.passes, (pass) => [pass.user]);
    this.controllers = new Set(this.#doorsOf.keys());
    const free = model.doors.filter(({ posture }) => posture === "free_access");
    this.freeControllers = new Set(free.map(({ controller }) => controller));
    this.#coverageOf = coverageOf(model);
    this.#rulesAt = grouped(model.rules, (rule) => this.coverageOf(rule.id));
    // A rule that covers no door says nothing of anybody: whoever is in no other has no rule yet.
    const covering = model.rules.filter((rule) => this.coverageOf(rule.id).size > 0);
    this.#rulesOf = grouped(covering, (rule) => new Set(rule.users));
  }

  doorsOf(controller: ControllerId): readonly SiteDoor[] {
    return this.#doorsOf.get(controller) ?? [];
  }

  passesOf(user: UserId): readonly SitePass[] {
    return this.#passesOf.get(user) ?? [];
  }

  /** The controllers with a door that the rule covers, itself or by a zone. */
  coverageOf(rule: RuleId): ReadonlySet<ControllerId> {
    return this.#coverageOf.get(rule) ?? nowhere;
  }

  /** The rules that cover a door of this controller, in the model's order. */
  rulesAt(controller: ControllerId): readonly RuleRecord[] {
    return this.#rulesAt.get(controller) ?? [];
  }

  /** The rules that name this user and cover a door, in the model's order. */
  rulesOf(user: UserId): readonly RuleRecord[] {
    return this.#rulesOf.get(user) ?? [];
  }

  /**
   * Whose tables this user is in. Where a rule that names him covers a door; everywhere, where none
   * does, since who has no rule yet is told `no_access` and not that nobody knows him (behaviour
   * 2).
   */
  scopeOf(user: UserId): ReadonlySet<ControllerId> {
    if (!this.users.has(user)) return nowhere;
    const [first, ...others] = this.rulesOf(user);
    if (first === undefined) return this.controllers;
    const covered = this.coverageOf(first.id);
    // Most are in one rule, and at most sites no door is free: their scope is the rule's own set.
    if (others.length === 0 && this.freeControllers.size === 0) return covered;
    const scope = new Set([...covered, ...this.freeControllers]);
    for (const { id } of others)
      for (const controller of this.coverageOf(id)) scope.add(controller);
    return scope;
  }

  /** Whether the controller is in the scope of a user of the model: `scopeOf` without the set. */
  isAt(user: UserId, controller: ControllerId): boolean {
    const rules = this.rulesOf(user);
    if (rules.length === 0 || this.freeControllers.has(controller)) {
      return this.controllers.has(controller);
    }
    return rules.some(({ id }) => this.coverageOf(id).has(controller));
  }

  /** Those in whose scope the controller is, each once. */
  usersAt(controller: ControllerId): Iterable<SiteUser> {
    if (!this.controllers.has(controller)) return [];
    if (this.freeControllers.has(controller)) return this.model.users;
    const here = new Set(this.#usersWithoutRule());
    for (const rule of this.rulesAt(controller)) {
      for (const id of rule.users) {
        const user = this.users.get(id);
        if (user !== undefined) here.add(user);
      }
    }
    return here;
  }

  #usersWithoutRule(): readonly SiteUser[] {
    this.#ruleless ??= this.model.users.filter(({ id }) => !this.#rulesOf.has(id));
    return this.#ruleless;
  }
}

function coverageOf(model: SiteModel): ReadonlyMap<RuleId, ReadonlySet<ControllerId>> {
  const controllerOf = new Map(model.doors.map(({ id, controller }) => [id, controller]));
  const doorsIn = zoneDoors(model.zones);
  return new Map(
    model.rules.map(({ id, doors, zones }) => {
      const covered = [...doors, ...zones.flatMap((zone) => doorsIn.get(zone) ?? [])];
      const controllers = covered.flatMap((door) => controllerOf.get(door) ?? []);
      return [id, new Set(controllers)];
    }),
  );
}

/** Each item under each of its keys, in the order in which the items come. */
function grouped<Key, Item>(
  items: readonly Item[],
  keysOf: (item: Item) => Iterable<Key>,
): ReadonlyMap<Key, readonly Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
  }
  return groups;
}
