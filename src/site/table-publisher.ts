import { isDeepStrictEqual } from "node:util";
import Database from "better-sqlite3";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../hal/clock.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import { buildTableImage, type TableImageContent } from "../core/access-table/build-table-image.ts";
import { adoptTableImage } from "../core/access-table/open-table-image.ts";
import { TableFault as ZoneFault } from "../core/access-table/table-fault.ts";
import type { TableVersion } from "../domain/access.ts";
import { type ControllerId, controllerId, type PassId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { TableMark } from "../domain/table-change.ts";
import { type EpochMs, epochMs, type MonotonicMs } from "../domain/time.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import { tableNumberMax } from "../protocols/sync/schema-parts.ts";
import type { TableAck } from "../protocols/sync/table-ack-message.ts";
import { frameDeltaBytesMax } from "../protocols/sync/table-delta.ts";
import { parseTableFrame } from "../protocols/sync/table-frame.ts";
import type { TableGet } from "../protocols/sync/table-get.ts";
import { isSameTable } from "../protocols/sync/table-order.ts";
import { topicsFor } from "../protocols/sync/topics.ts";
import { Gathering } from "./gathering.ts";
import type { ModelChange } from "./model-change.ts";
import type { PassSync } from "./site-engine.ts";
import { SiteIndex } from "./site-index.ts";
import type { SiteKeys } from "./site-keys.ts";
import type { SiteLog } from "./site-log.ts";
import { type SiteState, scopeOf } from "./site-state.ts";
import { SiteView } from "./site-view.ts";
import type { SpentUses } from "./spent-uses.ts";
import type { StateBefore } from "./state-before.ts";
import { Fingerprinter } from "./table-fingerprint.ts";
import { logLost, TableHeads } from "./table-heads.ts";
import {
  markOf,
  type PlannedTable,
  planTables,
  type TableFault,
  versionAfter,
} from "./table-plan.ts";
import { TableReminders } from "./table-reminders.ts";
import { TableRequests } from "./table-requests.ts";
import { TableRevisions } from "./table-revisions.ts";
import type { TableShelf, ToldUses } from "./table-shelf.ts";
import { hashKeyOf, TableSnapshots } from "./table-snapshots.ts";
import { judge, outrunBy, type TableSync, wanting } from "./table-sync.ts";

export interface AppliedTable {
  readonly controller: ControllerId;
  readonly table: TableVersion;
  /** False: nothing in it is different, so that it kept its number. */
  readonly changed: boolean;
}

/** What `commit` will store and publish. */
interface PlannedTables {
  readonly tables: readonly PlannedTable[];
  /** Uses that the tables tell for the first time. */
  readonly told: ToldUses;
}

/** A change that is made already, and that nobody knows of yet: it is committed or undone at once. */
export interface PreparedTables extends PlannedTables {
  readonly revision: number;
  readonly undo: () => void;
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
/** Tables that questions were asked of: each is as large as its controller's. */
const explainedTablesMax = 4;

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
  readonly #fingerprints: Fingerprinter;
  readonly #heads: TableHeads;
  readonly #snapshots: TableSnapshots;
  readonly #requests: TableRequests;
  readonly #reminders: TableReminders;
  readonly #states = new Map<ControllerId, TableSync>();
  readonly #revisions = new TableRevisions();
  readonly #repairedAt = new Map<ControllerId, MonotonicMs>();
  readonly #explained = new LRUCache<ControllerId, AccessTable>({ max: explainedTablesMax });
  /** Passes of which uses were spent that no table tells yet. */
  readonly #untold: Gathering<PassId>;
  /** What the tables tell by now. */
  readonly #told: Map<PassId, ReturnType<SpentUses>>;
  /** What the site says, and its tables too, as soon as it serves. */
  readonly #index: SiteIndex;
  /** Whether the index has been told what there is. */
  #isTold = false;
  /** Whether the tables on the shelf are known to say what the index does. */
  #isServing = false;

  constructor(parts: TablePublisherParts) {
    this.#parts = parts;
    const { clock, keys, shelf } = parts;
    this.#index = new SiteIndex(keys.site);
    this.#fingerprints = new Fingerprinter(keys.pinKey);
    this.#told = new Map(shelf.told());
    this.#heads = new TableHeads(parts);
    this.#snapshots = new TableSnapshots({
      clock,
      keys,
      contentOf: (controller) => this.#contentOf(controller),
      leadsOn: (controller, mark) => this.#leadsOn(controller, mark),
    });
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
    return this.#index;
  }

  /**
   * Makes the change and plans the tables that it leads to, of which nobody hears yet; a fault means
   * that a controller would refuse its table, and nothing is changed then. A table whose content is as
   * it was keeps its number; a controller that has no door any more gets an empty one. The first says
   * all that there is, and is known even with a fault: the next may mend it.
   */
  prepare(change: ModelChange): Result<PreparedTables, TableFault> {
    const { revision } = change;
    const made = this.#make(change);
    if (!made.ok) return made;
    const { before, undo } = made.value;
    try {
      const planned = this.#plan(this.#usesToTellAfter(change, before), before);
      if (planned.ok) return succeed({ ...planned.value, revision, undo });
      undo();
      return planned;
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** Stores what changed, and publishes it once it is on disk. Undoes it where the disk fails. */
  commit(prepared: PreparedTables): readonly AppliedTable[] {
    const { tables, revision, undo } = prepared;
    const isFirst = !this.#isServing;
    try {
      this.#keep(prepared);
    } catch (error) {
      undo();
      throw error;
    }
    this.#isServing = true;
    this.#tellOf(prepared, isFirst ? 0 : revision);
    if (!isFirst) this.#untold.take();
    else if (this.#tell(this.#index.passIds()) === "failed") {
      this.#untold.add(this.#index.passIds());
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
      return table === undefined || !this.#isServing ? [] : [{ controller, table }];
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
    return passes.map(({ pass, revision }) => {
      const user = this.#index.pass(pass)?.user;
      const scope = user === undefined ? [] : [...scopeOf(this.#index, user)];
      const waitingFor = scope.filter((controller) => !this.#revisions.has(controller, revision));
      const isFailed = waitingFor.some((one) => this.#states.get(one)?.state === "failed");
      if (waitingFor.length === 0) return { pass, state: "synced", waitingFor };
      return { pass, state: isFailed ? "failed" : "updating", waitingFor };
    });
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
    const content = this.#contentOf(controller);
    if (content === undefined) return undefined;
    const known = this.#explained.get(controller);
    if (known !== undefined && isSameTable(known.mark, content.mark)) return known;
    const image = buildTableImage(content, hashKeyOf(this.#parts.keys, controller, content.mark));
    const table = adoptTableImage(image, parseTableFrame);
    this.#explained.set(controller, table);
    return table;
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
  #usesToTellAfter(change: ModelChange, before: StateBefore | undefined): ToldUses {
    if (before === undefined || !this.#isServing) return new Map();
    const untold = new Set(this.#untold.items());
    for (const { id, to } of change.passes) {
      // Of a pass that had no count, nothing was told.
      const isNew = before.pass(id)?.usesMax === undefined;
      if (to?.usesMax !== undefined && isNew) untold.add(id);
    }
    return this.#usesToTell(untold);
  }

  /** `changed`: what the index was before; absent: nothing else is different than uses. */
  #plan(told: ToldUses, changed: StateBefore | undefined): Result<PlannedTables, TableFault> {
    const { keys, shelf } = this.#parts;
    const spent: SpentUses = (pass) => told.get(pass) ?? this.#told.get(pass) ?? [];
    const planned = planTables({
      keys,
      fingerprints: this.#fingerprints,
      tables: shelf.tables(),
      before: this.#isServing ? this.#viewOf(changed ?? this.#index) : undefined,
      after: new SiteView({ state: this.#index, spent }),
      changed,
      spent: told.keys(),
      now: this.#wall(),
    });
    return planned.ok ? succeed({ tables: planned.value, told }) : planned;
  }

  #viewOf(state: SiteState): SiteView {
    return new SiteView({ state, spent: (pass) => this.#told.get(pass) ?? [] });
  }

  #keep({ tables, told }: PlannedTables): void {
    const { shelf } = this.#parts;
    const steps = tables.flatMap(({ step }) => step ?? []);
    const fetched = (controller: ControllerId) => this.#snapshots.fetchedBy(controller)?.version;
    if (steps.length > 0 || told.size > 0) shelf.store(steps, told, fetched);
    for (const [pass, uses] of told) this.#told.set(pass, uses);
  }

  #tellOf({ tables }: PlannedTables, revision?: number): void {
    const renewed: ControllerId[] = [];
    for (const { controller, mark, step } of tables) {
      if (step !== undefined) {
        this.#revisions.lead(controller, mark, revision);
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
    if (!this.#isServing) return "done";
    try {
      const told = this.#usesToTell(passes);
      if (told.size === 0) return "done";
      const planned = this.#plan(told, undefined);
      if (planned.ok) {
        this.#keep(planned.value);
        this.#tellOf(planned.value);
      } else log.warn({ ...planned.fault }, "a table with the uses of passes could not be made");
      return "done";
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      log.warn({ code: error.code }, "tables with the uses of passes could not be stored");
      return "failed";
    }
  }

  /**
   * Of those among them that have a use count, what is not told of them as it is by now. Never less
   * than was told: where the events were set back to a copy, the tables still know. Where both were,
   * nobody at the site does; uses whose events the site had acknowledged can then be spent again, at
   * other doors than those where they were spent, until their controllers' kept entries are here.
   */
  #usesToTell(passes: Iterable<PassId>): ToldUses {
    const { spent } = this.#parts;
    const untold = new Map<PassId, ReturnType<SpentUses>>();
    for (const id of passes) {
      if (this.#index.pass(id)?.usesMax === undefined) continue;
      const told = this.#told.get(id) ?? [];
      const uses = mostSpent(told, spent(id));
      if (!isDeepStrictEqual(uses, told)) untold.set(id, uses);
    }
    return untold;
  }

  /**
   * A site restored from an old copy counts where its controllers have been: it begins a new epoch.
   */
  #overtake(controller: ControllerId, ahead: TableVersion): boolean {
    const { shelf, log } = this.#parts;
    const known = shelf.tables().get(controller);
    // No number is beyond the last; and without its content, a table could be had from nobody.
    if (known === undefined || !this.#isServing || ahead.epoch >= tableNumberMax) {
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
    if (known === undefined || !this.#isServing) return undefined;
    const view = this.#viewOf(this.#index).at(controller);
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

/** Of each controller what the one or the other says, whichever is more. */
function mostSpent(
  one: ReturnType<SpentUses>,
  other: ReturnType<SpentUses>,
): ReturnType<SpentUses> {
  const most = new Map(one.map(({ controller, spent }) => [controller, spent]));
  for (const { controller, spent } of other) {
    most.set(controller, Math.max(spent, most.get(controller) ?? 0));
  }
  return [...most].map(([controller, spent]) => ({ controller, spent }));
}
