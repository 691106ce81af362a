import type { Clock } from "../../hal/clock.ts";
import type { TableContent, TableVersion } from "../domain/access.ts";
import type { ControllerId } from "../domain/ids.ts";
import { type Result, succeed } from "../domain/result.ts";
import { type EpochMs, epochMs } from "../domain/time.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import type { TableAck } from "../protocols/sync/table-ack-message.ts";
import { isNewer, numberTaken, openTable } from "../protocols/sync/table-message.ts";
import { topicsFor } from "../protocols/sync/topics.ts";
import { controllersOf } from "./compile-table.ts";
import { type DraftFault, type DraftTable, draftTable, sealDraft } from "./sealed-table.ts";
import type { SiteKeys } from "./site-keys.ts";
import type { SiteLog } from "./site-log.ts";
import type { SiteModel } from "./site-model.ts";
import type { SpentUses } from "./spent-uses.ts";
import type { StateFolder } from "./state-folder.ts";
import { readTable, type ShelvedTable, shelveTable } from "./table-shelf.ts";

/** Where one controller's table stands (behaviour 17). */
export interface TableSync {
  readonly controller: ControllerId;
  readonly wanted: TableVersion;
  readonly state: "updating" | "complete" | "failed";
  /** What the controller last said to be in force. */
  readonly inForce?: TableVersion;
  /** Of `failed`: the refusal's reason and detail. */
  readonly reason?: string;
  readonly detail?: string;
}

export interface AppliedTable {
  readonly controller: ControllerId;
  readonly table: TableVersion;
  /** False: nothing in it is different, so that it kept its number. */
  readonly changed: boolean;
}

export interface PreparedTable {
  readonly draft: DraftTable;
  readonly shelved: ShelvedTable;
  readonly changed: boolean;
}

/**
 * How often a refusal makes a table go out again. A controller that refuses the site's own table would
 * otherwise be sent it as fast as it can say so.
 */
const repairIntervalMs = 10_000;

export interface TablePublisherParts {
  readonly folder: StateFolder;
  readonly keys: SiteKeys;
  readonly link: BrokerLink;
  readonly clock: Pick<Clock, "wall">;
  readonly log: SiteLog;
  readonly spent: SpentUses;
}

/** The tables of a site's controllers: their numbers, their way out, and what became of them. */
export class TablePublisher {
  readonly #parts: TablePublisherParts;
  readonly #states = new Map<ControllerId, TableSync>();
  readonly #drafts = new Map<ControllerId, DraftTable>();
  /** What the controller was last sent: with that table's own number and date. */
  readonly #sent = new Map<ControllerId, TableContent>();
  readonly #repairedAt = new Map<ControllerId, EpochMs>();

  constructor(parts: TablePublisherParts) {
    this.#parts = parts;
  }

  /** Goes on with the tables that are stored: those stay good whatever became of their model. */
  resume(): void {
    for (const controller of this.#parts.keys.controllers()) {
      const known = this.#known(controller);
      if (known !== undefined) this.#want(controller, known.table);
    }
  }

  /**
   * Compiles and seals `model` for every controller, or these, and changes nothing yet; a fault means that a
   * controller would refuse its table. A table whose content is as it was keeps its number; a
   * controller that has no door any more gets an empty one.
   */
  prepare(
    model: SiteModel,
    controllers: readonly ControllerId[] = this.#served(model),
  ): Result<readonly PreparedTable[], DraftFault> {
    const { keys, spent } = this.#parts;
    const compiledAt = this.#now();
    const prepared: PreparedTable[] = [];
    for (const controller of controllers) {
      const draft = draftTable(keys, { model, controller, compiledAt, spent });
      if (!draft.ok) return draft;
      const known = this.#known(controller);
      if (known !== undefined && known.fingerprint === draft.value.fingerprint) {
        prepared.push({ draft: draft.value, shelved: known, changed: false });
        continue;
      }
      const sealed = sealDraft(keys, draft.value, this.#numberAfter(known?.table));
      if (!sealed.ok) return sealed;
      prepared.push({ draft: draft.value, shelved: sealed.value, changed: true });
    }
    return succeed(prepared);
  }

  /** Stores what changed and publishes it. */
  commit(prepared: readonly PreparedTable[]): readonly AppliedTable[] {
    return prepared.map(({ draft, shelved, changed }) => {
      const { controller } = draft;
      this.#drafts.set(controller, draft);
      if (changed) this.#send(draft, shelved);
      else this.#want(controller, shelved.table);
      return { controller, table: shelved.table, changed };
    });
  }

  /** Publishes every table again: retained messages last as long as the broker remembers them. */
  publishAll(): void {
    for (const controller of this.#states.keys()) this.#publishKnown(controller);
  }

  /**
   * Publishes again what `commit` did not: whoever applies a file to repair a controller may do so
   * because its retained table is not ours any more.
   */
  publishUnchanged(applied: readonly AppliedTable[]): void {
    for (const { controller, changed } of applied) {
      if (!changed) this.#publishKnown(controller);
    }
  }

  heard(controller: ControllerId, ack: TableAck): void {
    const current = this.#states.get(controller);
    if (current === undefined) return;
    if (ack.table !== undefined && outruns(ack, ack.table, current.wanted)) {
      this.#overtake(controller, ack.table);
      return;
    }
    this.#states.set(controller, judge(current, ack));
    if (ack.outcome === "refused") this.#repair(controller);
  }

  /**
   * What the table says that the controller was last sent. Where none was
   * sent it is a draft of number 0.0.
   */
  contentFor(controller: ControllerId): TableContent | undefined {
    const draft = this.#drafts.get(controller);
    const sent = this.#sent.get(controller);
    if (draft === undefined || sent !== undefined) return sent;
    const known = this.#known(controller);
    if (known === undefined) return draft.content;
    // It was sent before the site started, and only the message itself tells when it was made.
    const provision = this.#parts.keys.provisionFor(controller);
    const opened = openTable({ message: known.message, provision });
    if (!opened.ok) return draft.content;
    const { table, compiledAt } = opened.value;
    const content = { ...draft.content, table, compiledAt };
    this.#sent.set(controller, content);
    return content;
  }

  stateOf(controller: ControllerId): TableSync | undefined {
    return this.#states.get(controller);
  }

  states(): readonly TableSync[] {
    return [...this.#states.values()];
  }

  /**
   * A site restored from an old copy counts where its controllers have been: it begins a new epoch.
   */
  #overtake(controller: ControllerId, inForce: TableVersion): void {
    const { keys, log } = this.#parts;
    const draft = this.#drafts.get(controller);
    if (draft === undefined) return;
    log.warn(
      { controller, inForce },
      "the controller's table is newer than the site's: a new epoch",
    );
    const sealed = sealDraft(keys, draft, { epoch: inForce.epoch + 1, version: 1 });
    if (sealed.ok) this.#send(draft, sealed.value);
  }

  /** What was refused may stand retained in our table's place, and would meet every restart. */
  #repair(controller: ControllerId): void {
    const now = this.#now();
    const repairedAt = this.#repairedAt.get(controller);
    // A clock that was set back must not put repairs off until it has caught up.
    const isRecent =
      repairedAt !== undefined && now >= repairedAt && now - repairedAt < repairIntervalMs;
    if (isRecent) return;
    this.#repairedAt.set(controller, now);
    this.#publishKnown(controller);
  }

  #send({ controller, content }: DraftTable, shelved: ShelvedTable): void {
    // Before it is published: a number that a power cut took back would be given out twice.
    shelveTable(this.#parts.folder, controller, shelved);
    this.#sent.set(controller, { ...content, table: shelved.table });
    this.#want(controller, shelved.table);
    this.#publish(controller, shelved.message);
  }

  #want(controller: ControllerId, wanted: TableVersion): void {
    const current = this.#states.get(controller);
    // The same number is the same table: what its controller said about it still holds.
    if (current !== undefined && sameVersion(current.wanted, wanted)) return;
    const inForce = current?.inForce;
    this.#states.set(controller, {
      controller,
      wanted,
      state: "updating",
      ...(inForce !== undefined && { inForce }),
    });
  }

  #publishKnown(controller: ControllerId): void {
    const known = this.#known(controller);
    if (known !== undefined) this.#publish(controller, known.message);
  }

  #publish(controller: ControllerId, message: Uint8Array): void {
    const { keys, link, log } = this.#parts;
    const topic = topicsFor(keys.site, controller).tableSnapshot;
    link.publish(topic, message, { qos: 1, retain: true }).catch((error: unknown) => {
      // It is on the shelf and goes out again when the link is up.
      log.info({ controller, error: String(error) }, "the table could not be published yet");
    });
  }

  #known(controller: ControllerId): ShelvedTable | undefined {
    const shelved = readTable(this.#parts.folder, controller);
    if (shelved === "damaged") {
      this.#parts.log.warn({ controller }, "the stored table is damaged: it gets a new epoch");
    }
    return typeof shelved === "string" ? undefined : shelved;
  }

  /** Those with doors, and those that had some once and hold a table that must not outlive them. */
  #served(model: SiteModel): readonly ControllerId[] {
    const { folder, keys } = this.#parts;
    const withTables = keys.controllers().filter((id) => readTable(folder, id) !== "absent");
    return [...new Set([...controllersOf(model), ...withTables])];
  }

  #numberAfter(known: TableVersion | undefined): TableVersion {
    if (known !== undefined) return { epoch: known.epoch, version: known.version + 1 };
    // Nobody knows which numbers were used before, if any: seconds since 1970 are beyond all of
    // them.
    return { epoch: Math.floor(this.#now() / 1_000), version: 1 };
  }

  #now(): EpochMs {
    return epochMs(Math.max(0, Math.floor(this.#parts.clock.wall().at)));
  }
}

const sameVersion = (a: TableVersion, b: TableVersion): boolean =>
  a.epoch === b.epoch && a.version === b.version;

/** Whether the controller has a table that no number of ours in this epoch replaces for sure. */
function outruns(ack: TableAck, inForce: TableVersion, wanted: TableVersion): boolean {
  const isOther = ack.outcome === "refused" && ack.reason === numberTaken;
  return isNewer(inForce, wanted) || (isOther && sameVersion(inForce, wanted));
}

/**
 * Acknowledgements may come late, twice or from a replay: only what is said of the wanted table
 * counts.
 */
function judge(current: TableSync, ack: TableAck): TableSync {
  const { controller, wanted } = current;
  const inForce = ack.table;
  if (inForce !== undefined && sameVersion(inForce, wanted)) {
    // Also if it refused something: whatever that was, the table that the site wants is in force.
    return { controller, wanted, state: "complete", inForce };
  }
  if (ack.outcome === "complete") return current;
  return {
    controller,
    wanted,
    state: "failed",
    ...(inForce !== undefined && { inForce }),
    reason: ack.reason,
    detail: ack.detail,
  };
}
