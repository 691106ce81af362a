import { join } from "node:path";
import Database from "better-sqlite3";
import type { Clock } from "../../hal/clock.ts";
import type { ControllerId, PassId, SiteId } from "../domain/ids.ts";
import { type Result, succeed } from "../domain/result.ts";
import type { EpochMs } from "../domain/time.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import type { Provision } from "../protocols/sync/provision.ts";
import type { SiteCommand } from "../protocols/sync/site-command.ts";
import { type ControllerStatus, decodeStatus } from "../protocols/sync/status-message.ts";
import { openTableAck } from "../protocols/sync/table-ack-message.ts";
import { openTableGet } from "../protocols/sync/table-get.ts";
import { controllerOfTopic, filtersForSite } from "../protocols/sync/topics.ts";
import { type CommandOutcome, createSiteCommands, type SiteCommands } from "./commands.ts";
import { DoorExplainer, type DoorExplanation, type ExplainQuestion } from "./door-explainer.ts";
import { keepSiteDoors } from "./doors-file.ts";
import { createEventIntake, type EventIntake, scopeOf } from "./event-intake.ts";
import {
  type EventStore,
  type IntakeOutcome,
  openEventStore,
  type TroubleRow,
} from "./event-store.ts";
import type { ModelChange, Surroundings } from "./model-change.ts";
import type { QueryFaults } from "./query-parameters.ts";
import { RefusalDigest } from "./refusal-digest.ts";
import type { EngineEars, PassSync } from "./site-engine.ts";
import { openSiteKeys, type SiteKeys } from "./site-keys.ts";
import type { SiteLog } from "./site-log.ts";
import { openSiteFolder, StateError, type StateFolder } from "./state-folder.ts";
import type { TableFault } from "./table-plan.ts";
import type { PreparedTables } from "./table-planner.ts";
import { type AppliedTable, TablePublisher } from "./table-publisher.ts";
import { openTableShelf, type TableShelf } from "./table-shelf.ts";
import type { TableSync } from "./table-sync.ts";
import type { AllowedUses } from "./use-ledger.ts";

export interface SiteServiceOptions {
  /** Made if need be. `api-key` stands in it, everything else of the site in its folder `site`. */
  readonly stateFolder: string;
  readonly site: SiteId;
  readonly link: BrokerLink;
  readonly clock: Clock;
  readonly log: SiteLog;
  readonly ears?: EngineEars;
}

/** What the site knows about one controller. `status` is the controller's claim, unproven. */
export interface ControllerReport {
  readonly controller: ControllerId;
  /** Absent: no table was ever made for it. */
  readonly sync?: TableSync;
  readonly status?: { readonly said: ControllerStatus; readonly heardAt: EpochMs };
  readonly journal?: { readonly journal: string; readonly number: number };
  readonly troubles: readonly TroubleRow[];
  /** Messages on its topics that did not pass, since the start. */
  readonly refusedCount: number;
}

export interface SiteService {
  readonly site: SiteId;
  readonly events: EventStore;
  /** What is to be carried to a controller by hand. Makes its key at first need. */
  provisionFor(controller: ControllerId): Provision;
  /**
   * All or nothing: with a fault, everything stays as it was. On disk when it returns. The first says
   * all that there is.
   */
  change(change: ModelChange): Result<readonly AppliedTable[], TableFault>;
  /** Never rejects. */
  command(controller: ControllerId, command: SiteCommand): Promise<CommandOutcome>;
  /** Publishes heads again, or has these controllers fetch their whole tables anew. */
  update(controllers: readonly ControllerId[], how: "head" | "whole"): void;
  syncOf(
    passes: readonly { readonly pass: PassId; readonly revision: number }[],
  ): readonly PassSync[];
  /**
   * Signs with a new key from now on, and answers with its number. Controllers follow by a
   * hand-over that the key before it signs. Throws a `StateError` where the disk fails.
   */
  rotateKey(): number;
  controllers(): readonly ControllerReport[];
  /** Faults are by field: a door or a pass that the site lacks. */
  explain(question: ExplainQuestion): Result<DoorExplanation, QueryFaults>;
  /** Stores what is under way. The link is the caller's to close. */
  close(): void;
}

/**
 * The site over one link: serves the model it was last given, tells controllers their tables, takes
 * their events in. Throws a `StateError` where its files are not fit for use.
 */
export async function openSiteService(options: SiteServiceOptions): Promise<SiteService> {
  const folder = openSiteFolder(options.stateFolder);
  const keys = openSiteKeys(folder, options.site);
  const store = openEventStore(join(folder.path, "events.sqlite3"));
  const shelf = openTableShelf({
    file: join(folder.path, "tables.sqlite3"),
    signer: keys.publicKeyPem,
    log: options.log,
  });
  const service = new WiredSite(options, { folder, keys, store, shelf });
  await service.start();
  return service;
}

/** What tables let their controllers spend that say this for the first time. */
function allowedBy({ passes, surroundings }: ModelChange): AllowedUses {
  return {
    limits: passes.flatMap(({ id, to }) =>
      to?.usesMax === undefined ? [] : [{ pass: id, usesMax: to.usesMax }],
    ),
    doors: (surroundings?.doors ?? []).map(({ id, controller }) => ({ door: id, controller })),
  };
}

interface SiteRooms {
  readonly folder: StateFolder;
  readonly keys: SiteKeys;
  readonly store: EventStore;
  readonly shelf: TableShelf;
}

class WiredSite implements SiteService {
  readonly site: SiteId;
  readonly events: EventStore;
  readonly #options: SiteServiceOptions;
  readonly #folder: StateFolder;
  readonly #keys: SiteKeys;
  readonly #shelf: TableShelf;
  readonly #publisher: TablePublisher;
  readonly #intake: EventIntake;
  readonly #explainer: DoorExplainer;
  readonly #commands: SiteCommands;
  readonly #statuses = new Map<ControllerId, { said: ControllerStatus; heardAt: EpochMs }>();
  readonly #refusals: RefusalDigest;
  readonly #refusedCounts = new Map<ControllerId, number>();
  #closed = false;

  constructor(options: SiteServiceOptions, { folder, keys, store, shelf }: SiteRooms) {
    this.site = options.site;
    this.events = store;
    this.#options = options;
    this.#folder = folder;
    this.#keys = keys;
    this.#shelf = shelf;
    this.#refusals = new RefusalDigest(options);
    this.#publisher = new TablePublisher({
      ...options,
      keys,
      shelf,
      spent: store.spentUses,
      isOnline: (controller) => this.#isOnline(controller),
      changed: (controller) => options.ears?.controllerChanged(controller),
    });
    this.#explainer = new DoorExplainer({
      clock: options.clock,
      spent: store.spentUses,
      tableFor: (controller) => this.#publisher.tableFor(controller),
      stateOf: (controller) => this.#publisher.stateOf(controller),
      statusOf: (controller) => this.#statuses.get(controller),
    });
    this.#intake = createEventIntake({
      ...options,
      store,
      keys,
      refusals: this.#refusals,
      stored: (controller, outcome) => {
        this.#noteUses(controller, outcome);
        if (outcome.stored.length > 0) options.ears?.events(outcome.stored);
      },
    });
    this.#commands = createSiteCommands({ ...options, keys, refusals: this.#refusals });
  }

  async start(): Promise<void> {
    const { link } = this.#options;
    const { event, tableAck, tableGet, status, ...commands } = filtersForSite(this.site);
    // Before the first table goes out, so that no answer to it is missed.
    await this.#listen(event, (controller, payload) => this.#intake.take(controller, payload));
    await this.#listen(tableAck, (controller, payload) => this.#takeTableAck(controller, payload));
    await this.#listen(tableGet, (controller, payload) => this.#takeTableGet(controller, payload));
    await this.#listen(status, (controller, payload) => this.#takeStatus(controller, payload));
    await this.#listen(commands.commandOffer, (controller, payload) =>
      this.#commands.takeOffer(controller, payload),
    );
    await this.#listen(commands.commandAnswer, (controller, payload) =>
      this.#commands.takeAnswer(controller, payload),
    );
    link.onUp(() => {
      if (!this.#closed) this.#publisher.publishAll();
    });
  }

  provisionFor(controller: ControllerId): Provision {
    return this.#keys.provisionFor(controller);
  }

  rotateKey(): number {
    try {
      const serial = this.#keys.rotate();
      this.#options.log.info({ serial }, "the site signs with a new key");
      return serial;
    } finally {
      // Also after a failure: the new key may be the one in use by then.
      this.#publisher.signAnew();
    }
  }

  controllers(): readonly ControllerReport[] {
    const syncs = new Map(this.#publisher.states().map((sync) => [sync.controller, sync]));
    return this.#keys.controllers().map((controller) => {
      const sync = syncs.get(controller);
      const status = this.#statuses.get(controller);
      const journal = this.events.lastOf(controller);
      return {
        controller,
        ...(sync !== undefined && { sync }),
        ...(status !== undefined && { status }),
        ...(journal !== undefined && { journal }),
        troubles: this.events.troublesOf(controller),
        refusedCount:
          this.#intake.refusedCount(controller) + (this.#refusedCounts.get(controller) ?? 0),
      };
    });
  }

  change(change: ModelChange): Result<readonly AppliedTable[], TableFault> {
    const prepared = this.#prepare(change);
    if (!prepared.ok) return prepared;
    const applied = this.#publisher.commit(prepared.value);
    if (change.surroundings !== undefined) this.#keepDoors(change.surroundings);
    return succeed(applied);
  }

  command(controller: ControllerId, command: SiteCommand): Promise<CommandOutcome> {
    return this.#commands.send(controller, command);
  }

  update(controllers: readonly ControllerId[], how: "head" | "whole"): void {
    if (how === "whole") this.#publisher.renew(controllers);
    else this.#publisher.publishHeads(controllers);
  }

  syncOf(
    passes: readonly { readonly pass: PassId; readonly revision: number }[],
  ): readonly PassSync[] {
    return this.#publisher.syncOf(passes);
  }

  explain(question: ExplainQuestion): Result<DoorExplanation, QueryFaults> {
    return this.#explainer.explain(this.#publisher.state, question);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#commands.close();
    this.#refusals.close();
    this.#publisher.close();
    this.#shelf.close();
    this.events.close();
  }

  /** The tables are out: the next start writes them down, or the next change of a door. */
  #keepDoors({ doors }: Surroundings): void {
    try {
      keepSiteDoors(this.#folder, { site: this.site, doors });
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      this.#options.log.warn({ failure: error.message }, "the list of doors could not be written");
    }
  }

  /** Uses are allowed before a table is out that allows them. */
  #prepare(change: ModelChange): Result<PreparedTables, TableFault> {
    const prepared = this.#publisher.prepare(change);
    if (!prepared.ok) return prepared;
    try {
      this.events.allowUses(allowedBy(change));
      return prepared;
    } catch (error) {
      prepared.value.undo();
      throw error;
    }
  }

  #noteUses(controller: ControllerId, { spent, implausible }: IntakeOutcome): void {
    for (const { pass, door } of implausible) {
      this.#options.log.warn(
        { controller, pass, door },
        "a use that the site never allowed was not counted",
      );
    }
    this.#publisher.noteUses(spent);
  }

  async #listen(
    filter: string,
    take: (controller: ControllerId, payload: Uint8Array) => void,
  ): Promise<void> {
    await this.#options.link.subscribe(filter, (topic, payload) => {
      const controller = controllerOfTopic(this.site, topic);
      // Who was never given a key cannot have sent anything; a key is not made for the asking.
      if (this.#closed || controller === undefined || !this.#keys.knows(controller)) return;
      take(controller, payload);
    });
  }

  #takeTableAck(controller: ControllerId, payload: Uint8Array): void {
    const ack = openTableAck(scopeOf(this.#keys, controller), payload);
    if (!ack.ok) return this.#countRefused(controller, ack.fault.reason);
    // Where the disk fails: the controller acknowledges again when the head is published again.
    this.#unlessDiskFails(controller, () => this.#publisher.heard(controller, ack.value));
  }

  #takeTableGet(controller: ControllerId, payload: Uint8Array): void {
    const get = openTableGet(scopeOf(this.#keys, controller), payload);
    if (!get.ok) return this.#countRefused(controller, get.fault.reason);
    // Where the disk fails: the controller asks again.
    this.#unlessDiskFails(controller, () => this.#publisher.asked(controller, get.value));
  }

  #unlessDiskFails(controller: ControllerId, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      const { code } = error;
      this.#options.log.warn(
        { controller, code },
        "a controller's tables could not be read or stored",
      );
    }
  }

  #takeStatus(controller: ControllerId, payload: Uint8Array): void {
    const said = decodeStatus(payload);
    const heardAt = this.#options.clock.wall().at;
    if (said.ok) {
      const wasOnline = this.#isOnline(controller);
      this.#statuses.set(controller, { said: said.value, heardAt });
      this.#publisher.noteOnline();
      if (said.value.online !== wasOnline) this.#options.ears?.controllerChanged(controller);
    } else this.#countRefused(controller, said.fault.reason);
  }

  #isOnline(controller: ControllerId): boolean {
    return this.#statuses.get(controller)?.said.online === true;
  }

  #countRefused(controller: ControllerId, reason: string): void {
    this.#refusedCounts.set(controller, (this.#refusedCounts.get(controller) ?? 0) + 1);
    this.#refusals.note(controller, reason);
  }
}
