import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Seeded } from "../../../hal/sim/seeded.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { EventPublisher } from "../../../src/controller/event-publisher.ts";
import { JournalDatabase } from "../../../src/controller/journal-database.ts";
import { type JournalLimits, journalLimits } from "../../../src/controller/journal-limits.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { type ControllerId, controllerId } from "../../../src/domain/ids.ts";
import { deriveKeys } from "../../../src/protocols/sync/provision.ts";
import { topicsFor } from "../../../src/protocols/sync/topics.ts";
import { createEventIntake, type EventIntake } from "../../../src/site/event-intake.ts";
import { type EventStore, openEventStore } from "../../../src/site/event-store.ts";
import { record } from "../controller/journal-records.ts";
import { LogText, site } from "./site-rig.ts";

// Real journals, publishers, intake and store; the broker between them, and time, are drawn. What
// the table's transfer does is shown elsewhere: here a site that comes up is seen, and that is all.

export const controllers = [controllerId("one"), controllerId("two")] as const;
const sideFiles = ["", "-wal"] as const;
/** Small, so that a copy is soon older than what a journal keeps. */
const restoredLimits = {
  ...journalLimits,
  keptMax: 40,
  prunedPerWriteMin: 5,
  acknowledgeLagMin: 10,
};
export const keysOf = (controller: ControllerId) =>
  deriveKeys(new Uint8Array(32).fill(controllers.indexOf(controller) + 1));

interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** The file of events, as the site leaves it and as an operator copies it back. */
class EventFile {
  readonly #file: string;
  readonly #copies: string;
  #copyCount = 0;
  store: EventStore;

  constructor(folder: string) {
    this.#copies = join(folder, "copies");
    mkdirSync(this.#copies);
    this.#file = join(folder, "events.sqlite3");
    this.store = openEventStore(this.#file);
    this.copy();
  }

  copy(): void {
    for (const side of sideFiles) {
      const from = `${this.#file}${side}`;
      if (existsSync(from))
        copyFileSync(from, `${join(this.#copies, `${this.#copyCount}`)}${side}`);
    }
    this.#copyCount += 1;
  }

  /** Any of the copies that were ever made. */
  restore(random: Seeded): void {
    this.store.close();
    const copy = join(this.#copies, `${random.between(0, this.#copyCount - 1)}`);
    for (const side of [...sideFiles, "-shm"]) {
      rmSync(`${this.#file}${side}`, { force: true });
      if (existsSync(`${copy}${side}`)) copyFileSync(`${copy}${side}`, `${this.#file}${side}`);
    }
    this.store = openEventStore(this.#file);
  }
}

/** What a disk held once, and the records in it that no cut has taken. */
interface DiskCopy {
  readonly path: string;
  readonly alive: ReadonlySet<number>;
}

/** A controller's journal and what brings it to the site. */
export class Diarist {
  readonly controller: ControllerId;
  readonly #file: string;
  readonly #world: World;
  readonly #copies: DiskCopy[] = [];
  /** By their count: the records that some disk of this controller still has, or the site was sent. */
  #alive: ReadonlySet<number> = new Set();
  #writtenCount = 0;
  #begunAnewCount = 0;
  #acknowledged = 0;
  #database: JournalDatabase;
  #publisher: EventPublisher;
  isUp = false;

  constructor(controller: ControllerId, folder: string, world: World) {
    this.controller = controller;
    this.#world = world;
    this.#file = join(folder, `${controller}.journal`);
    this.#database = this.#openDatabase();
    this.#publisher = this.#openPublisher();
  }

  get database(): JournalDatabase {
    return this.#database;
  }

  get publisher(): EventPublisher {
    return this.#publisher;
  }

  get alive(): ReadonlySet<number> {
    return this.#alive;
  }

  get begunAnewCount(): number {
    return this.#begunAnewCount;
  }

  write(count: number): void {
    const first = this.#writtenCount + 1;
    this.#writtenCount += count;
    const given = Array.from({ length: count }, (_, at) => first + at);
    this.#database.write(given.map(record), this.#acknowledged);
    this.#alive = new Set([...this.#alive, ...given]);
    this.#publisher.pump();
  }

  toggleLink(isUp = !this.isUp): void {
    if (isUp === this.isUp) return;
    this.isUp = isUp;
    if (isUp) this.#publisher.up();
    else this.#publisher.down();
  }

  copyDisk(): void {
    const path = `${this.#file}.copy-${this.#copies.length}`;
    for (const side of sideFiles) {
      if (existsSync(`${this.#file}${side}`)) copyFileSync(`${this.#file}${side}`, path + side);
    }
    this.#copies.push({ path, alive: this.#alive });
  }

  /** The power fails, and the disk is what it was at some copy: what it had called durable since is gone. */
  cut(random: Seeded): void {
    const copy = this.#copies[random.between(0, this.#copies.length - 1)];
    if (copy === undefined) return;
    const wasUp = this.isUp;
    this.toggleLink(false);
    this.#database.close();
    for (const side of [...sideFiles, "-shm"]) {
      rmSync(`${this.#file}${side}`, { force: true });
      if (existsSync(copy.path + side)) copyFileSync(copy.path + side, `${this.#file}${side}`);
    }
    this.#alive = copy.alive;
    this.#database = this.#openDatabase();
    this.#publisher = this.#openPublisher();
    this.toggleLink(wasUp);
  }

  close(): void {
    this.#publisher.down();
    this.#database.close();
  }

  #openDatabase(): JournalDatabase {
    const { controller } = this;
    const database = new JournalDatabase({
      file: this.#file,
      controller,
      limits: this.#world.limits,
    });
    this.#acknowledged = database.onDisk().acknowledged;
    return database;
  }

  #openPublisher(): EventPublisher {
    const { controller } = this;
    const world = this.#world;
    return new EventPublisher({
      link: { publish: (topic, payload) => world.send(this, { topic, payload }) },
      topic: topicsFor(site, controller).event,
      scope: { site, controller, messageKey: keysOf(controller).messageKey },
      journal: this.#journal(this.#database),
      clock: world.clock,
      troubles: { raise: () => {}, clear: () => {} },
    });
  }

  #journal(database: JournalDatabase): ConstructorParameters<typeof EventPublisher>[0]["journal"] {
    return {
      id: () => database.journal,
      oldest: () => database.onDisk().oldest,
      highest: () => database.onDisk().highest,
      acknowledged: () => this.#acknowledged,
      acknowledge: (number) => {
        this.#acknowledged = Math.max(this.#acknowledged, number);
      },
      beginAnew: (from) => {
        this.#begunAnewCount += 1;
        database.beginAnew(from);
        this.#acknowledged = 0;
        this.#publisher.pump();
      },
      // Of a disk that was cut since, nothing is heard any more.
      read: async ({ after, limit }) => {
        if (database !== this.#database) throw new HalError("io", "the power failed");
        return database.read(after, limit);
      },
    };
  }
}

/** Two controllers, a site, and a broker that keeps its word as long as the weather lets it. */
export class World {
  readonly clock = new SimClock();
  readonly events: EventFile;
  readonly limits: JournalLimits;
  readonly diarists: readonly Diarist[];
  readonly #random: Seeded;
  readonly #log = new LogText();
  #intake: EventIntake;
  #isFair = false;
  #onTheWay: Message[] = [];
  /** All that was ever said, whether it arrived or not: for whoever listens at the broker. */
  readonly #heard: Message[] = [];

  constructor(folder: string, random: Seeded, limits: JournalLimits = restoredLimits) {
    this.#random = random;
    this.limits = limits;
    this.events = new EventFile(folder);
    this.#intake = this.#openIntake();
    this.diarists = controllers.map((controller) => new Diarist(controller, folder, this));
  }

  async send(from: Diarist, message: Message): Promise<void> {
    if (!from.isUp) throw new HalError("io", "the link is down");
    this.#post(message);
  }

  restoreSite(): void {
    this.events.restore(this.#random);
    this.#intake = this.#openIntake();
    for (const diarist of this.diarists) if (diarist.isUp) diarist.publisher.siteSeen();
  }

  clearUp(): void {
    this.#isFair = true;
    for (const diarist of this.diarists) diarist.toggleLink(true);
  }

  /** Everything that is on its way arrives, or does not. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 6; turn += 1) {
      await new Promise(setImmediate);
      for (const message of this.#onTheWay.splice(0)) this.#deliver(message);
    }
  }

  close(): void {
    for (const diarist of this.diarists) diarist.close();
    this.events.store.close();
  }

  /** What was said once is said again: by somebody who has no key. */
  replay(random: Seeded): void {
    const isAck = ({ topic }: Message) => topic.endsWith("/ack");
    const acks = this.#heard.filter(isAck).slice(-random.between(1, 40));
    if (random.chance(0.5)) this.#onTheWay.push(...acks);
    for (let left = random.between(1, 5); left > 0; left -= 1) {
      const message = this.#heard[random.between(0, Math.max(0, this.#heard.length - 1))];
      if (message !== undefined) this.#onTheWay.push(message);
    }
  }

  #post(message: Message): void {
    this.#heard.push(message);
    const times = this.#isFair ? 1 : this.#random.pick([0, 1, 1, 1, 1, 2]);
    for (let time = 0; time < times; time += 1) {
      const isLast = this.#isFair || this.#random.chance(0.8);
      this.#onTheWay.splice(isLast ? this.#onTheWay.length : 0, 0, message);
    }
  }

  #deliver({ topic, payload }: Message): void {
    for (const { controller, publisher, isUp } of this.diarists) {
      const topics = topicsFor(site, controller);
      if (topic === topics.event) this.#intake.take(controller, payload);
      if (topic === topics.eventAck && isUp) publisher.takeAck(payload);
    }
  }

  #openIntake(): EventIntake {
    return createEventIntake({
      store: this.events.store,
      keys: { site, keysFor: keysOf },
      link: {
        publish: async (topic, payload) => this.#post({ topic, payload }),
      },
      clock: this.clock,
      log: this.#log,
      refusals: { note: () => {} },
      stored: () => {},
    });
  }
}
