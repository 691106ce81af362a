import type { MobileRecord, PassRecord } from "../domain/access.ts";
import type { ControllerId, PassId, UserId } from "../domain/ids.ts";
import type { TableFrame, TableUser } from "../domain/table-change.ts";
import { controllerFrame } from "./controller-frame.ts";
import { type IndexedPass, type IndexedUser, isAt, rulesOf, type SiteState } from "./site-state.ts";
import type { SpentUses } from "./spent-uses.ts";

/** What the tables of a site are made from. */
export interface TableSource {
  readonly state: SiteState;
  readonly spent: SpentUses;
  /** What a controller's readers show to phones; undefined of one that has no key yet. */
  readonly mobileOf: (controller: ControllerId) => MobileRecord | undefined;
}

/** What a table says is spent of a pass: absent of one that has no use count. */
type SpentOnPass = Pick<PassRecord, "spentHere" | "spentElsewhere">;

/**
 * What one controller's table says, piece by piece. Users in whose scope it is and their passes are
 * there, and nobody else: a controller that is stolen gives away its own doors' cards at most.
 * Names of people and PINs stay at the site. One without a door is seen with nothing and nobody, so
 * that its old table opens nothing.
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
    this.#frame ??= controllerFrame(this.#source.state, this.controller);
    // A frame is looked at before its controller has a key, and again when it has.
    const mobile = this.#source.mobileOf(this.controller);
    return mobile === undefined ? this.#frame : { ...this.#frame, mobile };
  }

  /** Whether this user is in this table. */
  holds(user: UserId): boolean {
    return isAt(this.#source.state, user, this.controller);
  }

  /** Undefined for one who is not in this table. */
  user(id: UserId): TableUser | undefined {
    const { state } = this.#source;
    const user = state.user(id);
    if (user === undefined || !this.holds(id)) return undefined;
    return this.#recordOfUser(user);
  }

  /** Undefined for one that is not in this table. */
  pass(id: PassId): PassRecord | undefined {
    const { state } = this.#source;
    const pass = state.pass(id);
    if (pass === undefined || !this.holds(pass.user)) return undefined;
    return this.recordOf(pass);
  }

  *users(): Generator<TableUser> {
    for (const user of this.#source.state.usersAt(this.controller)) yield this.#recordOfUser(user);
  }

  *passes(): Generator<PassRecord> {
    const { state } = this.#source;
    for (const { id } of state.usersAt(this.controller)) {
      for (const pass of state.passesOf(id)) yield this.recordOf(pass);
    }
  }

  #recordOfUser({ id, suspended, traits }: IndexedUser): TableUser {
    const { state } = this.#source;
    const rules = rulesOf(state, id).filter((rule) => state.coverageOf(rule).has(this.controller));
    return {
      id,
      suspended,
      ...(traits.length > 0 && { traits }),
      // In an order of their own: who was given which rule first makes no difference to a user.
      rules: rules.sort(),
    };
  }

  /** As this table has a pass that is in it. */
  recordOf(pass: IndexedPass): PassRecord {
    if (pass.usesMax === undefined) return pass;
    const { traits, presents, ...counted } = pass;
    const spent = this.#spentOn(pass.id, pass.usesMax);
    return { ...counted, ...spent, ...(traits !== undefined && { traits }), presents };
  }

  #spentOn(pass: PassId, usesMax: number): SpentOnPass {
    let spentHere = 0;
    let spentElsewhere = 0;
    for (const use of this.#source.spent(pass)) {
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
