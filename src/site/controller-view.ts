import type { PassRecord } from "../domain/access.ts";
import type { ControllerId, PassId, UserId } from "../domain/ids.ts";
import type { TableFrame, TableUser } from "../domain/table-change.ts";
import { controllerFrame } from "./controller-frame.ts";
import type { SiteIndex } from "./site-index.ts";
import type { SitePass, SiteUser } from "./site-model.ts";
import type { SpentUses } from "./spent-uses.ts";

/** What the tables of a site are made from. */
export interface TableSource {
  readonly index: SiteIndex;
  readonly spent: SpentUses;
}

/** What a table says is spent of a pass: absent of one that has no use count. */
type SpentOnPass = Pick<PassRecord, "spentHere" | "spentElsewhere">;

/**
 * What one controller's table says, piece by piece. Users in whose scope it is and their passes are
 * there, and nobody else: a controller that is stolen gives away its own doors' cards at most.
 * Names of people and PINs stay at the site.
 */
export class ControllerView {
  readonly controller: ControllerId;
  readonly #source: TableSource;
  #frame: TableFrame | undefined;

  constructor(source: TableSource, controller: ControllerId) {
    this.#source = source;
    this.controller = controller;
  }

  get frame(): TableFrame {
    this.#frame ??= controllerFrame(this.#source.index, this.controller);
    return this.#frame;
  }

  /** Undefined for one who is not in this table. */
  user(id: UserId): TableUser | undefined {
    const { index } = this.#source;
    const user = index.users.get(id);
    if (user === undefined || !index.isAt(id, this.controller)) return undefined;
    return this.#recordOfUser(user);
  }

  /** Undefined for one that is not in this table. */
  pass(id: PassId): PassRecord | undefined {
    const { index } = this.#source;
    const pass = index.passes.get(id);
    if (pass === undefined || !index.isAt(pass.user, this.controller)) return undefined;
    return this.#recordOfPass(pass);
  }

  *users(): Generator<TableUser> {
    for (const user of this.#source.index.usersAt(this.controller)) yield this.#recordOfUser(user);
  }

  *passes(): Generator<PassRecord> {
    const { index } = this.#source;
    for (const { id } of index.usersAt(this.controller)) {
      for (const pass of index.passesOf(id)) yield this.#recordOfPass(pass);
    }
  }

  #recordOfUser({ id, suspended, traits }: SiteUser): TableUser {
    const { index } = this.#source;
    const here = index.rulesOf(id).filter((rule) => index.coverageOf(rule.id).has(this.controller));
    return {
      id,
      suspended,
      ...(traits.length > 0 && { traits }),
      // In an order of their own: what the model says first makes no difference to a user.
      rules: here.map((rule) => rule.id).sort(),
    };
  }

  #recordOfPass(pass: SitePass): PassRecord {
    const { id, user, kind, active, startsAt, endsAt, usesMax, traits } = pass;
    return {
      id,
      user,
      kind,
      active,
      ...(startsAt !== undefined && { startsAt }),
      ...(endsAt !== undefined && { endsAt }),
      ...(usesMax !== undefined && { usesMax }),
      ...this.#spentOn(pass),
      ...(traits.length > 0 && { traits }),
      presents:
        pass.kind === "pin" ? { as: "pin", digest: pass.digest } : { as: "raw", raw: pass.raw },
    };
  }

  #spentOn({ id, usesMax }: SitePass): SpentOnPass {
    if (usesMax === undefined) return {};
    let spentHere = 0;
    let spentElsewhere = 0;
    for (const use of this.#source.spent(id)) {
      if (use.controller === this.controller) spentHere += use.spent;
      else spentElsewhere += use.spent;
    }
    // What a controller says of itself has no bound; one that lies must not spoil others' tables.
    const told = (count: number) => Math.min(count, usesMax);
    return {
      ...(spentHere > 0 && { spentHere: told(spentHere) }),
      ...(spentElsewhere > 0 && { spentElsewhere: told(spentElsewhere) }),
    };
  }
}
