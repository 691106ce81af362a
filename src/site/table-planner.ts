import { TableFault as ZoneFault } from "../core/access-table/table-fault.ts";
import { type ControllerId, controllerId, type PassId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { EpochMs } from "../domain/time.ts";
import type { ModelChange } from "./model-change.ts";
import { SiteIndex } from "./site-index.ts";
import type { SiteKeys } from "./site-keys.ts";
import type { SiteState } from "./site-state.ts";
import { SiteView } from "./site-view.ts";
import type { SpentUses } from "./spent-uses.ts";
import type { StateBefore } from "./state-before.ts";
import { Fingerprinter } from "./table-fingerprint.ts";
import { type PlannedTable, planTables, type TableFault } from "./table-plan.ts";
import type { TableShelf, ToldUses } from "./table-shelf.ts";
import { UsesTold } from "./uses-told.ts";

/** Tables that are to be stored and published. */
export interface PlannedTables {
  readonly tables: readonly PlannedTable[];
  /** Uses that the tables tell for the first time. */
  readonly told: ToldUses;
}

/** A change that is made already, and that nobody knows of yet: it is committed or undone at once. */
export interface PreparedTables extends PlannedTables {
  readonly revision: number;
  readonly undo: () => void;
}

export interface TablePlannerParts {
  readonly keys: SiteKeys;
  readonly shelf: TableShelf;
  /** What is spent by now; may throw where its disk fails. */
  readonly spent: SpentUses;
  readonly now: () => EpochMs;
}

/** What the site says, and the tables that follow from each change of it. */
export class TablePlanner {
  readonly #parts: TablePlannerParts;
  readonly #fingerprints: Fingerprinter;
  readonly #told: UsesTold;
  readonly #index: SiteIndex;
  /** Whether the index has been told what there is. */
  #isTold = false;
  #isServing = false;

  constructor(parts: TablePlannerParts) {
    this.#parts = parts;
    this.#index = new SiteIndex(parts.keys.site);
    this.#fingerprints = new Fingerprinter(parts.keys.pinKey);
    this.#told = new UsesTold(parts.shelf.told(), parts.spent);
  }

  get state(): SiteState {
    return this.#index;
  }

  /** Whether the tables on the shelf are known to say what the site does. */
  get isServing(): boolean {
    return this.#isServing;
  }

  passIds(): Iterable<PassId> {
    return this.#index.passIds();
  }

  /** The tables as they are. */
  view(): SiteView {
    return this.#viewOf(this.#index);
  }

  /**
   * Makes the change and plans the tables that it leads to, of which nobody hears yet; a fault means
   * that a controller would refuse its table, and nothing is changed then. A table whose content is as
   * it was keeps its number; a controller that has no door any more gets an empty one. The first says
   * all that there is, and is known even with a fault: the next may mend it.
   * `untold`: passes of which uses were spent that no table tells yet.
   */
  prepare(change: ModelChange, untold: Iterable<PassId>): Result<PreparedTables, TableFault> {
    const { revision } = change;
    const made = this.#make(change);
    if (!made.ok) return made;
    const { before, undo } = made.value;
    try {
      const planned = this.#plan(this.#usesToTellAfter(change, before, untold), before);
      if (planned.ok) return succeed({ ...planned.value, revision, undo });
      undo();
      return planned;
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** Tables that tell what was spent of these passes; undefined where they do. */
  planUses(passes: Iterable<PassId>): Result<PlannedTables | undefined, TableFault> {
    const told = this.#told.toTell(this.#index, passes);
    return told.size === 0 ? succeed(undefined) : this.#plan(told, undefined);
  }

  /** What was planned is on disk. */
  note({ told }: PlannedTables): void {
    this.#told.note(told);
    this.#isServing = true;
  }

  #make(
    change: ModelChange,
  ): Result<{ readonly before?: StateBefore; readonly undo: () => void }, TableFault> {
    try {
      if (this.#isTold) return succeed(this.#index.change(change));
      this.#index.fill(change);
      this.#isTold = true;
      return succeed({ undo: () => undefined });
    } catch (error) {
      if (!(error instanceof ZoneFault)) throw error;
      const [controller] = change.surroundings?.doors.map((door) => door.controller) ?? [];
      return fail({ controller: controller ?? controllerId("none"), detail: error.message });
    }
  }

  /** After a start the tables are what they were made with: what was spent since is told next. */
  #usesToTellAfter(
    change: ModelChange,
    before: StateBefore | undefined,
    items: Iterable<PassId>,
  ): ToldUses {
    if (before === undefined || !this.#isServing) return new Map();
    const untold = new Set(items);
    for (const { id, to } of change.passes) {
      // Of a pass that had no count, nothing was told.
      const isNew = before.pass(id)?.usesMax === undefined;
      if (to?.usesMax !== undefined && isNew) untold.add(id);
    }
    return this.#told.toTell(this.#index, untold);
  }

  /** `changed`: what the index was before; absent: nothing else is different than uses. */
  #plan(told: ToldUses, changed: StateBefore | undefined): Result<PlannedTables, TableFault> {
    const { keys, shelf } = this.#parts;
    const spent: SpentUses = (pass) => told.get(pass) ?? this.#told.of(pass);
    const planned = planTables({
      keys,
      fingerprints: this.#fingerprints,
      tables: shelf.tables(),
      before: this.#isServing ? this.#viewOf(changed ?? this.#index) : undefined,
      after: this.#viewOf(this.#index, spent),
      changed,
      spent: told.keys(),
      now: this.#parts.now(),
    });
    return planned.ok ? succeed({ tables: planned.value, told }) : planned;
  }

  #viewOf(state: SiteState, spent: SpentUses = this.#told.of): SiteView {
    const { keys, now } = this.#parts;
    const mobileOf = (controller: ControllerId) =>
      keys.knows(controller) ? keys.mobileRecordOf(controller, now()) : undefined;
    return new SiteView({ state, spent, mobileOf });
  }
}
