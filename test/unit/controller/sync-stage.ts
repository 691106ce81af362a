import { join } from "node:path";
import type { Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { openFiledTableStore } from "../../../src/controller/filed-table-store.ts";
import type { Journal } from "../../../src/controller/journal.ts";
import { openJournal } from "../../../src/controller/open-journal.ts";
import { createRecorder } from "../../../src/controller/recorder.ts";
import { openSiteKeyStore, type SiteKeyStore } from "../../../src/controller/site-key-store.ts";
import type { OnlineStatus } from "../../../src/controller/status-publisher.ts";
import { createSyncClient, type SyncClient } from "../../../src/controller/sync-client.ts";
import type { RunTableJob } from "../../../src/controller/table-jobs.ts";
import type { TableStore } from "../../../src/controller/table-store.ts";
import { Troubles } from "../../../src/controller/troubles.ts";
import type { DoorEvent, JournalEntry } from "../../../src/domain/event.ts";
import type { TableDelta, TableMark } from "../../../src/domain/table-change.ts";
import { sealEventAck } from "../../../src/protocols/sync/ack-message.ts";
import { openEventBatch } from "../../../src/protocols/sync/event-message.ts";
import { chainStart, verifyChain } from "../../../src/protocols/sync/journal-chain.ts";
import type { SiteCommand } from "../../../src/protocols/sync/site-command.ts";
import { openTableAck, type TableAck } from "../../../src/protocols/sync/table-ack-message.ts";
import { openTableGet, type TableGet } from "../../../src/protocols/sync/table-get.ts";
import { isNewer, isSameTable } from "../../../src/protocols/sync/table-order.ts";
import { FillableStore } from "./fillable-store.ts";
import { temporaryFolder } from "./journal-records.ts";
import { PaperBroker } from "./paper-broker.ts";
import { runHere } from "./table-store-rig.ts";
import { keys, provision, SignedTables, type SiteMessage, topics } from "./tables.ts";

export const scope = {
  site: provision.site,
  controller: provision.controller,
  messageKey: keys.messageKey,
};

/** A site with its own truth: what it has, and that nothing it has ever changed. */
export class PaperSite {
  readonly entries: JournalEntry[] = [];
  readonly faults: string[] = [];
  isAway = false;

  /** The acknowledgement that it would send, if any. */
  take(payload: Uint8Array): Uint8Array | undefined {
    if (this.isAway) return undefined;
    const batch = openEventBatch(scope, payload);
    if (!batch.ok) {
      this.faults.push(batch.fault.detail);
      return undefined;
    }
    const { entries } = batch.value;
    const [first] = entries;
    const last = this.entries.at(-1);
    const anchor = {
      journal: first?.journal ?? "",
      number: last?.number ?? 0,
      hash: last?.hash ?? chainStart,
    };
    for (const entry of entries) {
      const known = this.entries[entry.number - 1];
      if (known !== undefined && known.hash !== entry.hash)
        this.faults.push(`${entry.number} changed`);
    }
    const fresh = entries.filter(({ number }) => number > anchor.number);
    if (fresh.length > 0 && verifyChain(fresh, anchor).ok) this.entries.push(...fresh);
    return this.ack(anchor.journal);
  }

  ack(journal: string, number = this.entries.length): Uint8Array {
    return sealEventAck(scope, { journal, number });
  }
}

/** A controller's sync client with a real journal and store, at a paper broker, on a sim clock. */
export class SyncStage {
  readonly clock: SimClock;
  readonly site = new PaperSite();
  /** The tables that took another's place, and those made by changes in place, as they came. */
  readonly applied: TableMark[] = [];
  readonly changed: TableMark[] = [];
  /** What the site had this controller do. */
  readonly commands: SiteCommand[] = [];
  /** What is wrong with the table in force, if ever anything was. */
  readonly faults: string[] = [];
  readonly tables: SignedTables;
  /** Whether the site answers what is asked of its tables. */
  isAnswering = true;
  readonly events: DoorEvent[] = [];
  readonly broker: PaperBroker;
  readonly journal: Journal;
  readonly store: FillableStore;
  readonly siteKeys: SiteKeyStore;
  readonly troubles: Troubles;
  readonly record: (event: DoorEvent) => void;
  readonly client: SyncClient;
  status: OnlineStatus = { online: true, software: "test", clock: "trusted", troubles: [] };

  constructor(parts: {
    broker: PaperBroker;
    journal: Journal;
    store: FillableStore;
    siteKeys: SiteKeyStore;
    clock: SimClock;
    tables: SignedTables;
  }) {
    this.tables = parts.tables;
    this.siteKeys = parts.siteKeys;
    this.broker = parts.broker;
    this.journal = parts.journal;
    this.store = parts.store;
    this.clock = parts.clock;
    const append = createRecorder({
      clock: this.clock,
      table: () => undefined,
      append: (record) => this.journal.append(record),
    });
    this.record = (event) => {
      this.events.push(event);
      append(event);
    };
    this.troubles = new Troubles(this.record);
    this.client = createSyncClient({
      link: this.broker.link,
      provision,
      siteKeys: this.siteKeys,
      journal: this.journal,
      tableStore: this.store,
      clock: this.clock,
      troubles: this.troubles,
      status: () => this.status,
      record: this.record,
      carryOut: (command, answer) => {
        this.commands.push(command);
        answer({ kind: "done" });
      },
      onTable: (table) => {
        this.applied.push(table.mark);
        this.#look();
      },
      onChange: ({ to }: TableDelta) => {
        this.changed.push(to);
        this.#look();
      },
    });
    this.#before = this.store.table()?.mark;
    this.broker.onPublished(({ topic, payload }) => {
      if (topic === topics.tableGet && this.isAnswering) this.#answer(payload);
      if (topic !== topics.event) return;
      const answer = this.site.take(payload);
      if (answer !== undefined) this.broker.deliver(topics.eventAck, answer);
    });
  }

  /** The link comes up, and with it what the broker keeps. */
  up(): void {
    this.broker.up();
    const handOvers = this.tables.handOvers();
    if (handOvers !== undefined) this.say(handOvers);
    this.say(this.tables.head());
  }

  /** The process ends in order. */
  async end(): Promise<void> {
    await this.client.close();
    await this.store.close();
    await this.journal.close();
  }

  say({ topic, message }: SiteMessage): void {
    this.broker.deliver(topic, message);
  }

  /** The site's table is in force. */
  isThere(): boolean {
    const table = this.store.table();
    return table !== undefined && isSameTable(table.mark, this.tables.mark);
  }

  gets(): readonly TableGet[] {
    return this.broker.to(topics.tableGet).flatMap(({ payload }) => {
      const get = openTableGet(scope, payload);
      return get.ok ? [get.value] : [];
    });
  }

  #before: TableMark | undefined;

  #look(): void {
    const table = this.store.table();
    const before = this.#before;
    if (table === undefined || !this.tables.hasMade(table)) {
      this.faults.push("in force is what the site never signed");
    } else if (before !== undefined && isNewer(before, table.mark)) {
      this.faults.push(`back from ${before.version} to ${table.mark.version}`);
    }
    this.#before = table?.mark;
  }

  #answer(payload: Uint8Array): void {
    const get = openTableGet(scope, payload);
    if (!get.ok) throw new Error(get.fault.detail);
    for (const answer of this.tables.answer(get.value)) this.say(answer);
  }

  /** The journal has answered all that it was asked, and what that led to has happened. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < 4; turns += 1) {
      await this.journal.read({ after: Number.MAX_SAFE_INTEGER, limit: 1 });
      await this.store.rested();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /**
   * Time passes, and the journal's thread answers in time however busy the machine is: what it is
   * asked within a step it answers after it, and 5 s would be too long.
   */
  async pass(ms: number): Promise<void> {
    const stepMs = 4_000;
    for (let left = ms; left > 0; left -= stepMs) {
      await this.quiet();
      this.clock.advance(Math.min(stepMs, left));
    }
    await this.quiet();
  }

  untilThere(): Promise<void> {
    return this.until(() => this.isThere());
  }

  /** Time passes in steps until `done`, which must come. */
  async until(done: () => boolean): Promise<void> {
    for (let step = 0; step < 2_000; step += 1) {
      await this.quiet();
      if (done()) return;
      this.broker.settle();
      this.clock.advance(1_000);
    }
    throw new Error("it did not happen in 2,000 s of simulated time");
  }

  tableAcks(): readonly (TableAck | undefined)[] {
    return this.broker.to(topics.tableAck).map(({ payload }) => {
      const ack = openTableAck(scope, payload);
      return ack.ok ? ack.value : undefined;
    });
  }

  ofKind(kind: DoorEvent["kind"]): readonly DoorEvent[] {
    return this.events.filter((event) => event.kind === kind);
  }
}

export interface StageOptions {
  readonly seed?: number;
  readonly folder?: string;
  readonly tables?: SignedTables;
  readonly clock?: SimClock;
  readonly run?: RunTableJob;
}

/** Of a controller that has never heard of its site. */
export async function openStage(
  t: Test,
  {
    seed = 1,
    folder = temporaryFolder(t),
    tables = new SignedTables(),
    clock = new SimClock(),
    run = runHere,
  }: StageOptions = {},
): Promise<SyncStage> {
  const journal = await openJournal({
    file: join(folder, "journal.db"),
    controller: provision.controller,
    clock,
  });
  const store = await openTables(folder, clock, run);
  const siteKeys = await openSiteKeyStore({ folder: join(folder, "site-key"), provision });
  const broker = new PaperBroker(seed);
  const stage = new SyncStage({ broker, journal, store, siteKeys, clock, tables });
  t.teardown(() => stage.end());
  return stage;
}

/** Of a controller that has the site's table already. */
export async function openSettledStage(
  t: Test,
  { folder = temporaryFolder(t), tables = new SignedTables(), ...options }: StageOptions = {},
): Promise<SyncStage> {
  const store = await openTables(folder, new SimClock(), runHere);
  if (store.table() === undefined) await install(store, tables);
  await store.close();
  return openStage(t, { folder, tables, ...options });
}

async function openTables(
  folder: string,
  clock: SimClock,
  run: RunTableJob,
): Promise<FillableStore> {
  const place = { folder: join(folder, "table"), owner: provision };
  return new FillableStore(await openFiledTableStore({ ...place, run, clock }));
}

async function install(store: TableStore, tables: SignedTables): Promise<void> {
  const { manifest, image } = tables.snapshot();
  const begun = await store.beginSnapshot(manifest);
  if (!begun.ok) throw begun.fault;
  const { chunkBytes } = manifest;
  for (const index of begun.value.missing()) {
    const plain = image.subarray(index * chunkBytes, (index + 1) * chunkBytes);
    const stored = await begun.value.put(index, plain);
    if (!stored.ok) throw stored.fault;
  }
  const finished = await begun.value.finish();
  if (!finished.ok) throw new Error("the snapshot was not taken");
}
