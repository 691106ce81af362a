import type { Clock } from "../../../hal/clock.ts";
import { Seeded } from "../../../hal/sim/seeded.ts";
import { DoorController } from "../../../src/controller/door-controller.ts";
import { openFiledTableStore } from "../../../src/controller/filed-table-store.ts";
import { openPremisesStore } from "../../../src/controller/open-premises-store.ts";
import type { PremisesStore } from "../../../src/controller/premises-store.ts";
import { createRecorder } from "../../../src/controller/recorder.ts";
import { openSiteKeyStore } from "../../../src/controller/site-key-store.ts";
import { createSyncClient, type SyncClient } from "../../../src/controller/sync-client.ts";
import { type RunTableJob, tableJobs } from "../../../src/controller/table-jobs.ts";
import type { TableStore } from "../../../src/controller/table-store.ts";
import { Troubles } from "../../../src/controller/troubles.ts";
import { authorize, type Decision } from "../../../src/core/authorize.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import { digestPin, type Provision } from "../../../src/protocols/sync/provision.ts";
import { FickleDisk } from "../../unit/controller/fickle-disk.ts";
import type { FickleDisks } from "./fickle-disks.ts";
import { LivingClock } from "./living-clock.ts";
import { JournalPaper, PaperJournal } from "./paper-journal.ts";
import { doorPlaces, rawOf } from "./plan.ts";
import type { Client, StormyBroker } from "./stormy-broker.ts";
import type { Decider, Subject } from "./subject.ts";

/** So that folding comes up in a life that is short. */
const changesBeforeFoldMax = 12;

export interface ControllerParts {
  readonly provision: Provision;
  readonly clock: Clock;
  readonly broker: StormyBroker;
  readonly disks: FickleDisks;
  readonly random: Seeded;
  readonly subject: Subject;
  /** Another table is in force, or the same one in place, just now. */
  readonly onTable: (controller: ControllerLife) => void;
  readonly onEvent: (event: DoorEvent) => void;
}

/** A process on a controller. */
interface Running {
  readonly clock: LivingClock;
  readonly client: Client;
  readonly sync: SyncClient;
  readonly store: TableStore;
  readonly premises: PremisesStore;
  readonly journal: PaperJournal;
  readonly doors: Decider;
  readonly record: (event: DoorEvent) => void;
}

const untold = { raise: () => undefined, clear: () => undefined };

/** Every job in this thread, on the disk of whoever asks. */
const run = ((name, input) => {
  // Both come from one call, where the compiler has seen that they fit.
  const job = tableJobs[name] as (input: unknown) => Promise<unknown>;
  return job(input);
}) as RunTableJob;

/** One controller, over all its processes. Its doors have no hardware: what they decide is asked. */
export class ControllerLife {
  readonly name: string;
  readonly disk: FickleDisk;
  readonly paper = new JournalPaper();
  readonly provision: Provision;
  readonly #parts: ControllerParts;
  readonly #folder: string;
  #running: Running | undefined;
  #isFirstStart = true;
  /** How often the disk fails; kept off it while a process starts. */
  diskFailsOneIn = 0;

  constructor(parts: ControllerParts) {
    this.name = parts.provision.controller;
    this.provision = parts.provision;
    this.#parts = parts;
    this.disk = new FickleDisk(new Seeded(parts.random.between(1, 2 ** 30), "disk"));
    this.#folder = parts.disks.mount(this.name, this.disk);
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  get isUp(): boolean {
    return this.#running?.sync.linkState() === "up";
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    const { provision, subject, broker, onTable, onEvent } = this.#parts;
    // Three failures to read in a row are damage, and then nothing is promised.
    this.disk.failsOneIn = 0;
    const clock = new LivingClock(this.#parts.clock);
    const journal = new PaperJournal(provision.controller, this.paper);
    const folder = this.#folder;
    const keys = await openSiteKeyStore({ folder: `${folder}/keys`, provision });
    const { site, controller } = provision;
    const owner = { site, controller };
    const filed = await openFiledTableStore({ folder: `${folder}/table`, owner, run, clock });
    const store = subject.store(foldingEarly(filed));
    const opened = await openPremisesStore({
      file: `${folder}/premises/premises.log`,
      clock,
      troubles: untold,
      isFirstStart: this.#isFirstStart,
    });
    this.#isFirstStart = false;
    const premises = subject.premises(opened);
    const told = subject.journal(journal);
    const append = createRecorder({
      clock,
      table: () => doors.table(),
      append: (record) => told.append(record),
    });
    const record = (event: DoorEvent) => {
      onEvent(event);
      append(event);
    };
    const troubles = new Troubles(record);
    const board = { clock, doors: [], readers: [], close: () => undefined };
    const toDigest = (digits: string) => digestPin(provision.pinKey, digits);
    const doors = subject.doors(
      new DoorController({ board, digestPin: toDigest, record, troubles, premises }, store.table()),
    );
    const client = broker.connect();
    const sync = createSyncClient({
      link: subject.controllerLink(client.link),
      provision,
      siteKeys: subject.siteKeys(keys),
      journal: told,
      tableStore: store,
      clock,
      troubles,
      status: () => ({
        online: true,
        software: "sim",
        clock: "trusted",
        troubles: troubles.active(),
      }),
      record,
      carryOut: () => {},
      onTable: (table) => {
        doors.setTable(table);
        onTable(this);
      },
      onChange: ({ changes }) => {
        doors.tableChanged(changes);
        onTable(this);
      },
    });
    this.#running = { clock, client, sync, store, premises, journal, doors, record };
    record({ kind: "controller_started", software: "sim" });
    this.disk.failsOneIn = this.diskFailsOneIn;
    onTable(this);
    client.up();
  }

  setDisk(failsOneIn: number): void {
    this.diskFailsOneIn = failsOneIn;
    this.disk.failsOneIn = failsOneIn;
  }

  /** It ends between any two of its doings; `power_cut` takes what was not synced as well. */
  die(how: "killed" | "power_cut"): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.clock.isAlive = false;
    running.client.die();
    running.journal.die();
    if (how === "killed") this.disk.kill();
    else this.disk.powerCut();
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    this.disk.failsOneIn = 0;
    await running.sync.close();
    await running.store.close();
    await running.premises.close();
    await running.journal.close();
    running.client.die();
    running.clock.isAlive = false;
    this.disk.kill();
  }

  linkUp(): void {
    this.#running?.client.up();
  }

  linkDown(): void {
    this.#running?.client.down();
  }

  table(): ReturnType<Decider["table"]> {
    return this.#running?.doors.table();
  }

  /** What would be decided of this card here and now. */
  decide(door: string, card: number): Decision | undefined {
    if (this.#running === undefined) return undefined;
    const { doors, premises, clock } = this.#running;
    return authorize(doors.table(), {
      door: doorId(door),
      presented: { card: rawOf(card) },
      wall: clock.wall(),
      now: clock.monotonic(),
      premises: premises.memory,
    });
  }

  /**
   * Somebody shows a card: decided, the use of it made durable, recorded. As an `Entrance` does, and
   * without what doors are otherwise about. `granted` where the strike would have moved.
   */
  async present(door: string, card: number): Promise<GrantedHere | undefined> {
    const running = this.#running;
    const decision = this.decide(door, card);
    if (running === undefined || decision?.kind !== "granted") return undefined;
    const { premises, record } = running;
    const { pass, user, use } = decision;
    const place = { door: doorId(door), reader: readerId(door) };
    const granted = { kind: "access_granted", ...place, pass, user, reason: "granted" } as const;
    if (use === undefined) {
      record(granted);
      return { pass };
    }
    try {
      await premises.commit([{ kind: "spent", pass, spent: use }]);
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      premises.takeBack(pass);
      return undefined;
    }
    // It died while the disk was written: the strike has not moved.
    if (this.#running !== running) return undefined;
    const number = premises.grantUse(pass);
    record({ ...granted, use: number });
    return { pass, use: number };
  }

  /** A card that nobody knows is shown: an event that changes nothing. */
  showStranger(): void {
    const [door = ""] = this.doors();
    const place = { door: doorId(door), reader: readerId(door) };
    this.#running?.record({ kind: "access_denied", ...place, reason: "unknown_credential" });
  }

  doors(): readonly string[] {
    return Object.entries(doorPlaces).flatMap(([door, controller]) =>
      controller === this.name ? [door] : [],
    );
  }
}

export interface GrantedHere {
  readonly pass: string;
  readonly use?: number;
}

/** The store by its interface: what a spread of a class would leave out. */
export function facade(store: TableStore): TableStore {
  return {
    table: () => store.table(),
    newestAccepted: () => store.newestAccepted(),
    damages: () => store.damages(),
    onLoaded: (listener) => store.onLoaded(listener),
    append: (deltas) => store.append(deltas),
    foldIsDue: () => store.foldIsDue(),
    fold: () => store.fold(),
    beginSnapshot: (manifest) => store.beginSnapshot(manifest),
    close: () => store.close(),
  };
}

function foldingEarly(store: TableStore): TableStore {
  return {
    ...facade(store),
    foldIsDue: () => (store.table()?.changeCount ?? 0) >= changesBeforeFoldMax,
  };
}
