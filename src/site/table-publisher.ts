import Database from "better-sqlite3";
import type { Clock } from "../../hal/clock.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import type { TableImageContent } from "../core/access-table/build-table-image.ts";
import type { TableVersion } from "../domain/access.ts";
import type { ControllerId, PassId } from "../domain/ids.ts";
import type { Result } from "../domain/result.ts";
import type { TableMark } from "../domain/table-change.ts";
import { type EpochMs, epochMs, type MonotonicMs } from "../domain/time.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import { tableNumberMax } from "../protocols/sync/schema-parts.ts";
import type { TableAck } from "../protocols/sync/table-ack-message.ts";
import { frameDeltaBytesMax } from "../protocols/sync/table-delta.ts";
import type { TableGet } from "../protocols/sync/table-get.ts";
import { topicsFor } from "../protocols/sync/topics.ts";
import { ExplainedTables } from "./explained-tables.ts";
import { Gathering } from "./gathering.ts";
import type { ModelChange } from "./model-change.ts";
import { passSyncs } from "./pass-syncs.ts";
import type { PassSync } from "./site-engine.ts";
import type { SiteKeys } from "./site-keys.ts";
import type { SiteLog } from "./site-log.ts";
import type { SiteState } from "./site-state.ts";
import type { SpentUses } from "./spent-uses.ts";
import { logLost, TableHeads } from "./table-heads.ts";
import { markOf, type PlannedTable, type TableFault, versionAfter } from "./table-plan.ts";
import { type PlannedTables, type PreparedTables, TablePlanner } from "./table-planner.ts";
import { TableReminders } from "./table-reminders.ts";
import { TableRequests } from "./table-requests.ts";
import { TableRevisions } from "./table-revisions.ts";
import type { TableShelf } from "./table-shelf.ts";
import { TableSnapshots } from "./table-snapshots.ts";
import { judge, outrunBy, type TableSync, wanting } from "./table-sync.ts";

export interface AppliedTable {
  readonly controller: ControllerId;
  readonly table: TableVersion;
  /** False: nothing in it is different, so that it kept its number. */
  readonly changed: boolean;
}

/** How long uses gather: a queue of visitors at one door is not a change for each of them. */
export const usesGatherMs = 200;
/** After a disk failed. */
export const usesRetryMs = 10_000;
/**
 * How often a refusal makes a head go out again. A controller that refuses the site's own would
 * otherwise be sent it as fast as it can say so.
 */
export const repairIntervalMs = 10_000;
/**
 * Of one change, to one controller, unasked: what a broker does not take at once is held in memory.
 * The rest is asked for, at the controller's own pace.
 */
const sentBytesMax = frameDeltaBytesMax;
export interface TablePublisherParts {
  readonly keys: SiteKeys;
  readonly link: BrokerLink;
  readonly clock: Clock;
  readonly log: SiteLog;
  readonly shelf: TableShelf;
  /** What is spent by now; may throw where its disk fails. */
  readonly spent: SpentUses;
  /** As far as it was heard. */
  readonly isOnline: (controller: ControllerId) => boolean;
  /** Its table is another, or something was heard of it. */
  readonly changed?: (controller: ControllerId) => void;
}

/** The tables of a site's controllers: their numbers, their way out, and what became of them. */
export class TablePublisher {
  readonly #parts: TablePublisherParts;
  readonly #planner: TablePlanner;
  readonly #heads: TableHeads;
  readonly #snapshots: TableSnapshots;
  readonly #requests: TableRequests;
  readonly #reminders: TableReminders;
  readonly #states = new Map<ControllerId, TableSync>();
  readonly #revisions = new TableRevisions();
  readonly #repairedAt = new Map<ControllerId, MonotonicMs>();
  readonly #explained: ExplainedTables;
  /** Passes of which uses were spent that no table tells yet. */
  readonly #untold: Gathering<PassId>;

  constructor(parts: TablePublisherParts) {
    this.#parts = parts;
    const { clock, keys, shelf } = parts;
    this.#planner = new TablePlanner({ ...parts, now: () => this.#wall() });
    this.#heads = new TableHeads(parts);
    this.#snapshots = new TableSnapshots({
      clock,
      keys,
      contentOf: (controller) => this.#contentOf(controller),
      leadsOn: (controller, mark) => this.#leadsOn(controller, mark),
    });
    this.#explained = new ExplainedTables(keys, (controller) => this.#contentOf(controller));
    this.#requests = new TableRequests({
      ...parts,
      snapshots: this.#snapshots,
      heads: this.#heads,
    });
    this.#reminders = new TableReminders({
      clock,
      updating: () => this.#updating(),
      remind: (controllers) => this.#heads.publish(controllers),
    });
    this.#untold = new Gathering({
      clock,
      gatherMs: usesGatherMs,
      retryMs: usesRetryMs,
      due: (passes) => this.#tell(passes),
    });
    // Goes on with the tables that are stored: those stay good whatever became of their model.
    for (const [controller, { mark }] of shelf.tables()) {
      this.#revisions.begin(controller, mark);
      this.#want(controller, mark);
    }
  }

  get state(): SiteState {
    return this.#planner.state;
  }

  /** As `TablePlanner.prepare`. */
  prepare(change: ModelChange): Result<PreparedTables, TableFault> {
    return this.#planner.prepare(change, this.#untold.items());
  }

  /** Stores what changed, and publishes it once it is on disk. Undoes it where the disk fails. */
  commit(prepared: PreparedTables): readonly AppliedTable[] {
    const { tables, revision, undo } = prepared;
    const isFirst = !this.#planner.isServing;
    try {
      this.#keep(prepared);
    } catch (error) {
      undo();
      throw error;
    }
    this.#tellOf(prepared, isFirst ? 0 : revision);
    if (!isFirst) this.#untold.take();
    else if (this.#tell(this.#planner.passIds()) === "failed") {
      this.#untold.add(this.#planner.passIds());
    }
    return tables.map(({ controller, step, mark: { epoch, version } }) => {
      return { controller, table: { epoch, version }, changed: step !== undefined };
    });
  }

  /** Publishes every head again: retained messages last as long as the broker remembers them. */
  publishAll(): void {
    this.#heads.publishAll();
    this.#reminders.begin();
  }

  /**
   * Publishes again what `commit` did not: whoever applies a file to repair a controller may do so
   * because its retained head is not ours any more.
   */
  publishUnchanged(applied: readonly AppliedTable[]): void {
    const unchanged = applied.filter(({ changed }) => !changed);
    this.#heads.publish(unchanged.map(({ controller }) => controller));
  }

  /** Every door of the site shares a pass's uses, as soon as it can be told (behaviour 11). */
  noteUses(passes: Iterable<PassId>): void {
    this.#untold.add(passes);
  }

  /** A controller has said how it is. */
  noteOnline(): void {
    this.#reminders.noteOnline();
  }

  /** Has each fetch its whole table anew: one of the next number that says the same. */
  renew(controllers: Iterable<ControllerId>): void {
    const { shelf } = this.#parts;
    const known = [...controllers].flatMap((controller) => {
      const table = shelf.tables().get(controller);
      return table === undefined || !this.#planner.isServing ? [] : [{ controller, table }];
    });
    const steps = known.map(({ controller, table }) => {
      const mark = versionAfter(table.mark);
      return { controller, table: { ...table, mark, compiledAt: this.#wall() }, deltas: [] };
    });
    if (steps.length === 0) return;
    shelf.store(steps, new Map());
    for (const { controller, table } of steps) {
      this.#revisions.lead(controller, table.mark);
      this.#want(controller, table.mark);
    }
    this.#heads.renew(steps.map(({ controller }) => controller));
    this.#heads.publish(steps.map(({ controller }) => controller));
    this.#reminders.begin();
  }

  /** Says again which table each is to have. */
  publishHeads(controllers: Iterable<ControllerId>): void {
    this.#heads.publish(controllers);
  }

  syncOf(
    passes: readonly { readonly pass: PassId; readonly revision: number }[],
  ): readonly PassSync[] {
    const syncOf = (controller: ControllerId) => this.#states.get(controller);
    return passSyncs({ state: this.state, revisions: this.#revisions, syncOf }, passes);
  }

  heard(controller: ControllerId, ack: TableAck): void {
    const current = this.#states.get(controller);
    if (current === undefined) return;
    if (ack.outcome !== "progress" && ack.table !== undefined) {
      this.#revisions.heard(controller, ack.table);
    }
    const ahead = outrunBy(ack, current.wanted);
    if (ahead !== undefined && this.#overtake(controller, ahead)) return;
    this.#states.set(controller, judge(current, ack));
    this.#parts.changed?.(controller);
    if (ack.outcome === "refused") this.#repair(controller);
  }

  asked(controller: ControllerId, get: TableGet): void {
    this.#requests.take(controller, get);
  }

  /** The site's key is another now: what it signed before is refused, or will be. */
  signAnew(): void {
    this.#parts.shelf.signWith(this.#parts.keys.publicKeyPem);
    this.#heads.signAnew();
  }

  /** The table that a controller is to have; undefined where the site does not know it. */
  tableFor(controller: ControllerId): AccessTable | undefined {
    return this.#explained.of(controller);
  }

  stateOf(controller: ControllerId): TableSync | undefined {
    return this.#states.get(controller);
  }

  states(): readonly TableSync[] {
    return [...this.#states.values()];
  }

  close(): void {
    this.#reminders.close();
    this.#untold.take();
    this.#heads.close();
    this.#requests.close();
  }

  #keep(planned: PlannedTables): void {
    const { shelf } = this.#parts;
    const { tables, told } = planned;
    const steps = tables.flatMap(({ step }) => step ?? []);
    const fetched = (controller: ControllerId) => this.#snapshots.fetchedBy(controller)?.version;
    if (steps.length > 0 || told.size > 0) shelf.store(steps, told, fetched);
    this.#planner.note(planned);
  }

  #tellOf({ tables }: PlannedTables, revision?: number): void {
    const renewed: ControllerId[] = [];
    for (const { controller, mark, step, left } of tables) {
      if (step !== undefined) {
        const says = { ...(revision !== undefined && { revision }), ...(left && { left }) };
        this.#revisions.lead(controller, mark, says);
        renewed.push(controller);
      }
      this.#want(controller, mark);
    }
    this.#publishDeltas(tables);
    if (renewed.length > 0) this.#reminders.begin();
    this.#heads.renew(renewed);
  }

  #publishDeltas(tables: readonly PlannedTable[]): void {
    const { keys, link, log } = this.#parts;
    const publications = tables.flatMap(({ controller, step }) => {
      const topic = topicsFor(keys.site, controller).tableDelta;
      let bytes = 0;
      return (step?.deltas ?? []).flatMap(({ message }) => {
        bytes += message.length;
        const isSent = bytes <= sentBytesMax;
        return isSent ? [link.publish(topic, message, { qos: 1, retain: false })] : [];
      });
    });
    // They are on the shelf, and who lacks one asks for it.
    void logLost(publications, (lost) => log.info({ lost }, "changes could not be published yet"));
  }

  #tell(passes: Iterable<PassId>): "done" | "failed" {
    const { log } = this.#parts;
    if (!this.#planner.isServing) return "done";
    try {
      const planned = this.#planner.planUses(passes);
      if (!planned.ok) {
        log.warn({ ...planned.fault }, "a table with the uses of passes could not be made");
      } else if (planned.value !== undefined) {
        this.#keep(planned.value);
        this.#tellOf(planned.value);
      }
      return "done";
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      log.warn({ code: error.code }, "tables with the uses of passes could not be stored");
      return "failed";
    }
  }

  /**
   * A site restored from an old copy counts where its controllers have been: it begins a new epoch.
   */
  #overtake(controller: ControllerId, ahead: TableVersion): boolean {
    const { shelf, log } = this.#parts;
    const known = shelf.tables().get(controller);
    // No number is beyond the last; and without its content, a table could be had from nobody.
    if (known === undefined || !this.#planner.isServing || ahead.epoch >= tableNumberMax) {
      return false;
    }
    log.warn({ controller, ahead }, "the controller's table is ahead of the site's: a new epoch");
    const mark = markOf({ epoch: ahead.epoch + 1, version: 1 });
    shelf.store([{ controller, table: { ...known, mark }, deltas: [] }], new Map());
    this.#revisions.begin(controller, mark);
    this.#want(controller, mark);
    this.#heads.renew([controller]);
    this.#reminders.begin();
    return true;
  }

  /** What was refused may stand retained in our head's place, and would meet every restart. */
  #repair(controller: ControllerId): void {
    const now = this.#parts.clock.monotonic();
    const repairedAt = this.#repairedAt.get(controller);
    if (repairedAt !== undefined && now - repairedAt < repairIntervalMs) return;
    this.#repairedAt.set(controller, now);
    this.#heads.publish([controller]);
  }

  #want(controller: ControllerId, wanted: TableMark): void {
    const current = this.#states.get(controller);
    const next = wanting(controller, wanted, current);
    if (next === current) return;
    this.#states.set(controller, next);
    this.#parts.changed?.(controller);
  }

  #updating(): readonly ControllerId[] {
    const states = [...this.#states.values()].filter(({ state }) => state === "updating");
    return states.map(({ controller }) => controller).filter(this.#parts.isOnline);
  }

  #contentOf(controller: ControllerId): TableImageContent | undefined {
    const known = this.#parts.shelf.tables().get(controller);
    if (known === undefined || !this.#planner.isServing) return undefined;
    const view = this.#planner.view().at(controller);
    const { mark, compiledAt } = known;
    return { mark, compiledAt, frame: view.frame, users: view.users(), passes: view.passes() };
  }

  #leadsOn(controller: ControllerId, mark: TableMark): boolean {
    const { shelf } = this.#parts;
    const wanted = shelf.tables().get(controller)?.mark;
    return mark.epoch === wanted?.epoch && shelf.leadsOn(controller, mark.version);
  }

  #wall(): EpochMs {
    return epochMs(Math.max(0, Math.floor(this.#parts.clock.wall().at)));
  }
}
