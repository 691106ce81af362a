import type { Journal, JournalStatus } from "../../../src/controller/journal.ts";
import type { JournalEntry, JournalRecord } from "../../../src/domain/event.ts";
import type { ControllerId } from "../../../src/domain/ids.ts";
import { chainStart, hashEntry } from "../../../src/protocols/sync/journal-chain.ts";

/** What of a journal outlasts its process. */
export class JournalPaper {
  readonly entries: JournalEntry[] = [];
  acknowledged = 0;
}

/**
 * A journal on paper: durable a turn of the event loop after it was told, as the real one is a commit
 * later. What that one does with disks is shown elsewhere.
 */
export class PaperJournal implements Journal {
  readonly #controller: ControllerId;
  readonly #paper: JournalPaper;
  readonly #listeners = new Set<(highest: number) => void>();
  #queue: JournalRecord[] = [];
  #acknowledged: number;
  #isDead = false;

  constructor(controller: ControllerId, paper: JournalPaper) {
    this.#controller = controller;
    this.#paper = paper;
    this.#acknowledged = paper.acknowledged;
  }

  append(record: JournalRecord): void {
    if (this.#isDead) return;
    if (this.#queue.push(record) === 1) setImmediate(() => this.#commit());
  }

  onCommitted(listener: (highest: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async read({ after, limit }: { readonly after: number; readonly limit: number }) {
    await Promise.resolve();
    return this.#paper.entries.slice(after, after + limit);
  }

  acknowledge(number: number): void {
    if (number > this.#acknowledged && number <= this.highest()) this.#acknowledged = number;
  }

  /** Its paper takes nothing back. */
  beginAnew(): void {
    throw new Error("the site said that a journal forked that never did");
  }

  acknowledged(): number {
    return this.#acknowledged;
  }

  highest(): number {
    return this.#paper.entries.length;
  }

  /** Paper is patient: nothing is ever forgotten. */
  oldest(): number {
    return 1;
  }

  id(): string {
    return `journal-of-${this.#controller}`;
  }

  status(): JournalStatus {
    return {
      journal: this.id(),
      highest: this.highest(),
      acknowledged: this.#acknowledged,
      queuedCount: this.#queue.length,
      lostCount: 0,
      troubles: [],
      failure: undefined,
    };
  }

  reportTroubles(): void {}

  close(): Promise<void> {
    this.#commit();
    this.#isDead = true;
    return Promise.resolve();
  }

  /** What was not committed is lost. */
  die(): void {
    this.#isDead = true;
    this.#queue = [];
  }

  #commit(): void {
    if (this.#isDead || this.#queue.length === 0) return;
    for (const record of this.#queue) {
      const number = this.highest() + 1;
      const previous = this.#paper.entries.at(-1)?.hash ?? chainStart;
      const journal = this.id();
      const entry = { ...record, controller: this.#controller, journal, number, previous };
      this.#paper.entries.push({ ...entry, hash: hashEntry(entry) });
    }
    this.#queue = [];
    this.#paper.acknowledged = this.#acknowledged;
    for (const listener of this.#listeners) listener(this.highest());
  }
}
