import type { RuleRecord } from "../domain/access.ts";
import type { PassId, RuleId, SiteId, UserId } from "../domain/ids.ts";
import { fail, type Result } from "../domain/result.ts";
import type { ModelChange, Put, SiteRule, Surroundings } from "./model-change.ts";
import type { EngineEars, SiteEngine } from "./site-engine.ts";
import type { SiteModel, SitePass, SiteUser } from "./site-model.ts";
import { openSiteService, type SiteServiceOptions } from "./site-service.ts";
import type { TableFault } from "./table-plan.ts";
import type { AppliedTable } from "./table-publisher.ts";

export type SiteEngineOptions = Omit<SiteServiceOptions, "ears" | "model">;

/**
 * The engine in this thread. Nothing of it is in force before the first `apply`, which says all that
 * there is. Throws a `StateError` where its files are not fit for use; `apply` rejects with a
 * `SqliteError` where the disk fails, and changes nothing then.
 */
export async function openSiteEngine(
  options: SiteEngineOptions,
  ears: EngineEars,
): Promise<SiteEngine> {
  const service = await openSiteService({ ...options, ears, model: "told" });
  const parts = new ModelParts(options.site);
  let model: SiteModel | undefined;
  const apply = (change: ModelChange): Result<readonly AppliedTable[], TableFault> => {
    const next = parts.with(change);
    const applied = service.applyModel(next.model, change.revision);
    if (!applied.ok) return applied;
    next.keep();
    model = next.model;
    return applied;
  };
  return {
    apply: async (change) => apply(change),
    controllers: async () => service.controllers(),
    update: async (controllers, how) => service.update(controllers, how),
    syncOf: async (passes) => service.syncOf(passes),
    explain: async (question) => {
      if (model !== undefined) return service.explain({ model, file: "" }, question);
      return fail({ door: ["expected a door of the site"], pass: ["expected a pass of the site"] });
    },
    events: async (query) => service.events.query(query),
    command: async () => fail({ reason: "controller_offline" }),
    rotateKey: async () => service.rotateKey(),
    close: async () => service.close(),
  };
}

const noSurroundings: Surroundings = {
  zone: "UTC",
  calendar: [],
  zones: [],
  areas: [],
  doors: [],
  schedules: [],
};

/** A site's model in the pieces that changes name. */
class ModelParts {
  readonly #site: SiteId;
  #surroundings = noSurroundings;
  #users: ReadonlyMap<UserId, SiteUser> = new Map();
  #passes: ReadonlyMap<PassId, SitePass> = new Map();
  #rules: ReadonlyMap<RuleId, SiteRule> = new Map();
  #members: ReadonlyMap<RuleId, ReadonlySet<UserId>> = new Map();

  constructor(site: SiteId) {
    this.#site = site;
  }

  /** The model that the change leads to; it is forgotten again unless it is kept. */
  with(change: ModelChange): { readonly model: SiteModel; readonly keep: () => void } {
    const surroundings = change.surroundings ?? this.#surroundings;
    const users = put(this.#users, change.users);
    const passes = put(this.#passes, change.passes);
    const rules = put(this.#rules, change.rules);
    const members = new Map(this.#members);
    for (const { rule, user, is } of change.members) {
      const whom = new Set(members.get(rule));
      if (is === "in") whom.add(user);
      else whom.delete(user);
      members.set(rule, whom);
    }
    const records = [...rules.values()].map((rule): RuleRecord => {
      const whom = [...(members.get(rule.id) ?? [])].filter((user) => users.has(user));
      return { ...rule, users: whom };
    });
    const model: SiteModel = {
      site: this.#site,
      ...surroundings,
      users: [...users.values()],
      passes: [...passes.values()],
      rules: records,
    };
    const keep = () => {
      this.#surroundings = surroundings;
      this.#users = users;
      this.#passes = passes;
      this.#rules = rules;
      this.#members = new Map(records.map((rule) => [rule.id, new Set(rule.users)]));
    };
    return { model, keep };
  }
}

function put<Id, Record>(
  known: ReadonlyMap<Id, Record>,
  puts: readonly Put<Id, Record>[],
): ReadonlyMap<Id, Record> {
  const next = new Map(known);
  for (const { id, to } of puts) {
    if (to === undefined) next.delete(id);
    else next.set(id, to);
  }
  return next;
}
