import { controllerId } from "../../../src/domain/ids.ts";
import { fail, type Result, succeed } from "../../../src/domain/result.ts";
import type { ModelChange, SiteRule, Surroundings } from "../../../src/site/model-change.ts";
import type { SiteEngine } from "../../../src/site/site-engine.ts";
import type { SitePass, SiteUser } from "../../../src/site/site-model.ts";
import type { TableFault } from "../../../src/site/table-plan.ts";
import type { AppliedTable } from "../../../src/site/table-publisher.ts";

/** What an engine was told, in an order that says nothing. */
export interface ToldModel {
  readonly surroundings: Surroundings;
  readonly users: readonly SiteUser[];
  readonly passes: readonly SitePass[];
  readonly rules: readonly SiteRule[];
  /** `rule user`. */
  readonly members: readonly string[];
}

/** Knows what it was told and makes no table of it. References that lead nowhere end the test. */
export class RecordingEngine implements Pick<SiteEngine, "apply"> {
  /** What becomes of the next changes: `refuse` is a fault, the others are rejections. */
  next: "apply" | "refuse" | "fail" | "fail_afterwards" = "apply";
  applyCount = 0;
  revision = 0;
  #surroundings: Surroundings = {
    zone: "UTC",
    calendar: [],
    zones: [],
    areas: [],
    doors: [],
    schedules: [],
  };
  readonly #users = new Map<string, SiteUser>();
  readonly #passes = new Map<string, SitePass>();
  readonly #rules = new Map<string, SiteRule>();
  readonly #members = new Set<string>();

  /** For an issuer, which asks nothing else of an engine. */
  get engine(): SiteEngine {
    return this as unknown as SiteEngine;
  }

  get told(): ToldModel {
    return {
      surroundings: this.#surroundings,
      users: sorted(this.#users),
      passes: sorted(this.#passes),
      rules: sorted(this.#rules),
      members: [...this.#members].sort(),
    };
  }

  async apply(change: ModelChange): Promise<Result<readonly AppliedTable[], TableFault>> {
    const { next } = this;
    this.next = "apply";
    this.applyCount += 1;
    if (next === "fail") throw new Error("the engine's disk failed");
    if (next === "refuse") return fail({ controller: controllerId("one"), detail: "refused" });
    this.#apply(change);
    if (next === "fail_afterwards") throw new Error("the engine's answer was lost");
    return succeed([]);
  }

  #apply(change: ModelChange): void {
    this.revision = change.revision;
    this.#surroundings = change.surroundings ?? this.#surroundings;
    put(this.#users, change.users);
    put(this.#passes, change.passes);
    put(this.#rules, change.rules);
    for (const { rule, user, is } of change.members) {
      if (is === "in") this.#members.add(`${rule} ${user}`);
      else this.#members.delete(`${rule} ${user}`);
    }
    for (const member of this.#members) {
      const [rule = "", user = ""] = member.split(" ");
      if (!this.#rules.has(rule) || !this.#users.has(user)) {
        throw new Error(`rule ${rule} has user ${user}: one of them is not there`);
      }
    }
    for (const { id, user } of this.#passes.values()) {
      if (!this.#users.has(user)) throw new Error(`pass ${id} is of ${user}, who is not there`);
    }
  }
}

function put<Record>(
  known: Map<string, Record>,
  puts: readonly { readonly id: string; readonly to: Record | undefined }[],
): void {
  for (const { id, to } of puts) {
    if (to === undefined) known.delete(id);
    else known.set(id, to);
  }
}

const sorted = <Record>(records: ReadonlyMap<string, Record>): readonly Record[] =>
  [...records].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, record]) => record);
