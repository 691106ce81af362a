import { join } from "node:path";
import type { Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import type { Journal } from "../../../src/controller/journal.ts";
import { openJournal } from "../../../src/controller/open-journal.ts";
import { createRecorder } from "../../../src/controller/recorder.ts";
import type { OnlineStatus } from "../../../src/controller/status-publisher.ts";
import { createSyncClient, type SyncClient } from "../../../src/controller/sync-client.ts";
import { openTableStore, type TableStore } from "../../../src/controller/table-store.ts";
import { Troubles } from "../../../src/controller/troubles.ts";
import type { TableContent } from "../../../src/domain/access.ts";
import type { DoorEvent, JournalEntry } from "../../../src/domain/event.ts";
import { sealEventAck } from "../../../src/protocols/sync/ack-message.ts";
import { openEventBatch } from "../../../src/protocols/sync/event-message.ts";
import { chainStart, verifyChain } from "../../../src/protocols/sync/journal-chain.ts";
import { openTableAck, type TableAck } from "../../../src/protocols/sync/table-ack-message.ts";
import { topicsFor } from "../../../src/protocols/sync/topics.ts";
import { temporaryFolder } from "./journal-records.ts";
import { PaperBroker } from "./paper-broker.ts";
import { keys, provision } from "./tables.ts";

export const scope = {
  site: provision.site,
  controller: provision.controller,
  messageKey: keys.messageKey,
};
export const topics = topicsFor(provision.site, provision.controller);

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
    const [first] = batch.value;
    const last = this.entries.at(-1);
    const anchor = {
      journal: first?.journal ?? "",
      number: last?.number ?? 0,
      hash: last?.hash ?? chainStart,
    };
    for (const entry of batch.value) {
      const known = this.entries[entry.number - 1];
      if (known !== undefined && known.hash !== entry.hash)
        this.faults.push(`${entry.number} changed`);
    }
    const fresh = batch.value.filter(({ number }) => number > anchor.number);
    if (fresh.length > 0 && verifyChain(fresh, anchor).ok) this.entries.push(...fresh);
    return this.ack(anchor.journal);
  }

  ack(journal: string, number = this.entries.length): Uint8Array {
    return sealEventAck(scope, { journal, number });
  }
}

/** A controller's sync client with a real journal and store, at a paper broker, on a sim clock. */
export class SyncStage {
  readonly clock = new SimClock();
  readonly site = new PaperSite();
  readonly applied: TableContent[] = [];
  readonly events: DoorEvent[] = [];
  readonly broker: PaperBroker;
  readonly journal: Journal;
  readonly store: TableStore;
  readonly troubles: Troubles;
  readonly record: (event: DoorEvent) => void;
  readonly client: SyncClient;
  status: OnlineStatus = { online: true, software: "test", clock: "trusted", troubles: [] };

  constructor(parts: {
    broker: PaperBroker;
    journal: Journal;
    store: TableStore;
    clock: SimClock;
  }) {
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
      journal: this.journal,
      tableStore: this.store,
      clock: this.clock,
      troubles: this.troubles,
      status: () => this.status,
      record: this.record,
      onTable: (content) => this.applied.push(content),
    });
    this.broker.onPublished(({ topic, payload }) => {
      if (topic !== topics.event) return;
      const answer = this.site.take(payload);
      if (answer !== undefined) this.broker.deliver(topics.eventAck, answer);
    });
  }

  /** The journal has answered all that it was asked, and what that led to has happened. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < 4; turns += 1) {
      await this.journal.read({ after: Number.MAX_SAFE_INTEGER, limit: 1 });
      await new Promise((resolve) => setImmediate(resolve));
    }
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

export async function openStage(
  t: Test,
  { seed = 1, folder = temporaryFolder(t) }: { seed?: number; folder?: string } = {},
): Promise<SyncStage> {
  const clock = new SimClock();
  const journal = await openJournal({
    file: join(folder, "journal.db"),
    controller: provision.controller,
    clock,
  });
  const store = await openTableStore({ folder: join(folder, "table"), provision });
  const stage = new SyncStage({ broker: new PaperBroker(seed), journal, store, clock });
  t.teardown(async () => {
    await stage.client.close();
    await journal.close();
  });
  return stage;
}
