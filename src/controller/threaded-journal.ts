import type { Worker } from "node:worker_threads";
import type { JournalEntry, JournalRecord } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { Journal, JournalOptions, JournalStatus, TroubleReporter } from "./journal.ts";
import { type JournalLimits, journalLimits } from "./journal-limits.ts";
import {
  addedSince,
  type JournalAnswer,
  type JournalOnDisk,
  type JournalRequest,
  type JournalWrite,
} from "./journal-messages.ts";
import { JournalQueue } from "./journal-queue.ts";
import { JournalReads } from "./journal-reads.ts";
import { JournalRecount } from "./journal-recount.ts";
import { JournalRetry } from "./journal-retry.ts";
import { startJournalWorker } from "./journal-thread.ts";
import { journalTroubles } from "./journal-troubles.ts";
import { Overdue } from "./overdue.ts";
import { ReportedTroubles } from "./reported-troubles.ts";
import { settlesWithin } from "./settles-within.ts";

/** How long `close` waits for the disk before it gives up what is still in memory. */
const closeMaxMs = 5_000;
/** Entries in one answer: what is copied between threads at once. */
const readMax = 1_000;

/** The journal as this thread sees it: a bounded queue, and a worker that answers in order. */
export class ThreadedJournal implements Journal {
  readonly firstOpened: Promise<void>;
  readonly #options: JournalOptions;
  readonly #limits: JournalLimits;
  readonly #queue: JournalQueue;
  readonly #retry: JournalRetry;
  readonly #overdue: Overdue;
  readonly #recount: JournalRecount;
  readonly #listeners = new Set<(highest: number) => void>();
  readonly #reads = new JournalReads();
  readonly #troubles = new ReportedTroubles();
  #worker: Worker | undefined;
  /** What the worker last said, also while another worker is being started. */
  #onDisk: JournalOnDisk | undefined;
  #isOpen = false;
  #acknowledged = 0;
  /** A write is under way; its records are still the front of the queue. */
  #isWriting = false;
  /** What was given last, which a thread that died may have written. */
  #given: JournalWrite | undefined;
  #isOpening = false;
  /** What is owed was reported to be overdue. */
  #isHanging = false;
  /** Alarms still fit what is reserved for them, as far as is known. */
  #hasReserve = true;
  #flushIsDue = false;
  #failure: string | undefined;
  #opened: () => void = () => {};
  #closed: Promise<void> | undefined;
  #finishClosing: (() => void) | undefined;
  #closeIsSent = false;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#limits = options.limits ?? journalLimits;
    this.#queue = new JournalQueue({
      recordsMax: this.#limits.queuedMax,
      alarmsMax: this.#limits.alarmsReservedMax,
    });
    this.#retry = new JournalRetry(options.clock, () => this.#tryAgain());
    this.#overdue = new Overdue(options.clock, {
      isOwed: () => this.#isAnswerOwed(),
      overdue: () => this.#notAnswered(),
    });
    this.#recount = new JournalRecount(options.clock, () => this.#flush());
    this.firstOpened = new Promise((resolve) => {
      this.#opened = resolve;
    });
    this.#startWorker();
  }

  append(record: JournalRecord): void {
    if (!this.#queue.push(record)) this.#troubles.raise(journalTroubles.overflow);
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    // Records of one turn of the event loop go to the worker together.
    queueMicrotask(() => {
      this.#flushIsDue = false;
      // While the disk refuses, the back-off decides when to try, not the next tap at a door.
      if (this.#troubles.has(journalTroubles.failing)) return;
      if (this.#troubles.has(journalTroubles.full)) this.#flushWhileFull();
      else this.#flush();
    });
  }

  onCommitted(listener: (highest: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  read({ after, limit }: Parameters<Journal["read"]>[0]): Promise<readonly JournalEntry[]> {
    if (!this.#isOpen) return Promise.reject(new HalError("io", "the journal is not open"));
    const { request, entries } = this.#reads.begin();
    this.#send({ kind: "read", request, after, limit: Math.min(limit, readMax) });
    return entries;
  }

  acknowledge(number: number): void {
    if (!Number.isInteger(number) || number <= this.#acknowledged) return;
    if (number > this.highest()) return;
    this.#acknowledged = number;
    this.#hasReserve = true;
    if (this.#troubles.has(journalTroubles.full) || this.#acknowledgementLags()) this.#flush();
  }

  beginAnew(from: number): void {
    const journal = this.id();
    if (!this.#isOpen || this.#closeIsSent || journal === undefined) return;
    this.#isOpening = true;
    this.#send({ kind: "begin_anew", journal, from });
  }

  acknowledged(): number {
    return this.#acknowledged;
  }

  highest(): number {
    return this.#onDisk?.highest ?? 0;
  }

  oldest(): number {
    return this.#onDisk?.oldest ?? 1;
  }

  id(): string | undefined {
    return this.#onDisk?.journal;
  }

  status(): JournalStatus {
    return {
      journal: this.id(),
      highest: this.highest(),
      acknowledged: this.#acknowledged,
      queuedCount: this.#queue.count,
      lostCount: this.#queue.lostCount,
      troubles: this.#troubles.raised(),
      failure: this.#failure,
    };
  }

  reportTroubles(reporter: TroubleReporter): void {
    this.#troubles.reportTo(reporter);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#finishClosing = () => resolve(this.#letGo());
    });
    this.#flush();
    this.#closeIfWritten();
    if (await settlesWithin(this.#options.clock, closeMaxMs, closed)) return;
    // A thread that hangs in the disk ends when that lets go of it, or with the process.
    this.#worker?.unref();
    void this.#letGo();
  }

  async #letGo(): Promise<void> {
    this.#retry.stop();
    this.#recount.stop();
    this.#overdue.stop();
    this.#isOpen = false;
    const worker = this.#worker;
    this.#worker = undefined;
    this.#reads.rejectAll("the journal is closed");
    await worker?.terminate();
  }

  /** A disk that refuses has had its last try; what is in memory then is not waited for. */
  #closeIfWritten(): void {
    if (this.#finishClosing === undefined || this.#isWriting) return;
    if (!this.#isOpen) return this.#finishClosing();
    if (this.#closeIsSent || (this.#queue.count > 0 && !this.#isRefused())) return;
    this.#closeIsSent = true;
    const acknowledged = this.#acknowledged;
    const waiting = this.#queue.tallyBehind([]);
    this.#send({ kind: "close", journal: this.id() ?? "", acknowledged, waiting });
  }

  #isRefused(): boolean {
    return this.#troubles.has(journalTroubles.failing) || this.#troubles.has(journalTroubles.full);
  }

  #acknowledgementLags(): boolean {
    const lag = this.#acknowledged - (this.#onDisk?.acknowledged ?? 0);
    return lag >= this.#limits.acknowledgeLagMax;
  }

  #flush(): void {
    if (!this.#isOpen || this.#isWriting || this.#closeIsSent) return;
    const { batchMax } = this.#limits;
    const alarms = this.#hasReserve ? this.#queue.alarms(batchMax) : [];
    const records = alarms.length > 0 ? alarms : this.#queue.front(batchMax);
    if (records.length === 0 && !this.#acknowledgementLags()) return;
    this.#isWriting = true;
    const given: JournalWrite = {
      records,
      room: alarms.length > 0 ? "reserved" : "common",
      acknowledged: this.#acknowledged,
      waiting: this.#queue.tallyBehind(records),
    };
    this.#given = given;
    this.#send({ kind: "write", journal: this.id() ?? "", ...given });
  }

  /** Alarms have room of their own; how many others wait is brought up to date now and then. */
  #flushWhileFull(): void {
    if (this.#hasReserve && this.#queue.alarms(1).length > 0) return this.#flush();
    this.#recount.changed();
  }

  #send(request: JournalRequest): void {
    this.#worker?.postMessage(request);
    this.#overdue.asked();
  }

  #isAnswerOwed(): boolean {
    const isBusy = this.#isOpening || this.#isWriting || this.#closeIsSent || this.#reads.count > 0;
    return this.#worker !== undefined && isBusy;
  }

  /** It may still answer; another thread would hang at the same disk. */
  #notAnswered(): void {
    this.#isHanging = true;
    this.#failure = "the disk does not answer";
    this.#reads.rejectAll(this.#failure);
    this.#troubles.raise(journalTroubles.failing);
    this.#opened();
  }

  #startWorker(): void {
    const { file, controller } = this.#options;
    const worker = startJournalWorker({ file, controller, limits: this.#limits });
    this.#worker = worker;
    worker.on("message", (answer: JournalAnswer) => this.#answered(answer));
    worker.on("error", (error) => this.#workerEnded(worker, String(error)));
    worker.on("exit", () => this.#workerEnded(worker, "the journal's thread ended"));
    this.#open();
  }

  #open(): void {
    this.#isOpening = true;
    this.#send({ kind: "open" });
  }

  #workerEnded(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#notOpen(why);
    this.#overdue.answered();
  }

  #answered(answer: JournalAnswer): void {
    const wasHanging = this.#isHanging;
    this.#isHanging = false;
    this.#take(answer);
    // A disk that hung in a reading only has nothing else to say that it is back.
    if (wasHanging && answer.kind === "entries") this.#progressed();
    if (wasHanging && answer.kind === "read_failed") this.#failed(answer.detail);
    this.#overdue.answered();
  }

  #take(answer: JournalAnswer): void {
    switch (answer.kind) {
      case "opened":
        return this.#onOpened(answer);
      case "open_failed":
        return this.#notOpen(answer.detail);
      case "written":
        return this.#onWritten(answer);
      case "begin_failed":
        this.#isOpening = false;
        this.#failure = answer.detail;
        return;
      case "write_failed":
        this.#isWriting = false;
        return this.#failed(answer.detail);
      case "entries":
        return this.#reads.resolve(answer.request, answer.entries);
      case "read_failed":
        return this.#reads.reject(answer.request, answer.detail);
      case "closed":
        return this.#finishClosing?.();
      default:
        return unreachable(answer);
    }
  }

  #onOpened(found: JournalOnDisk): void {
    const before = this.#onDisk;
    this.#isOpening = false;
    this.#isWriting = false;
    this.#onDisk = found;
    this.#isOpen = true;
    // A thread that died may have written what it was given without living to say so.
    this.#queue.shift(this.#given?.records.slice(0, addedSince(before, found)) ?? []);
    if (before?.journal !== found.journal) {
      this.#acknowledged = found.acknowledged;
      this.#hasReserve = true;
    }
    // Of this process it is all still here.
    const isFirst = before === undefined;
    if (isFirst && found.waiting !== undefined) this.#queue.markEarlierLoss(found.waiting);
    if (found.setAside !== undefined) this.#troubles.raise(journalTroubles.setAside);
    this.#opened();
    this.#progressed();
    if (before === undefined || found.follows?.journal !== before.journal) return;
    this.#troubles.raise(journalTroubles.forked);
    if (found.highest > 0) this.#tellCommitted();
  }

  #onWritten(answer: Extract<JournalAnswer, { kind: "written" }>): void {
    const { count, oldest, highest, acknowledged } = answer;
    const onDisk = this.#onDisk;
    const given = this.#given;
    if (onDisk === undefined || given === undefined || !this.#isWriting) return;
    this.#isWriting = false;
    this.#onDisk = { ...onDisk, oldest, highest, acknowledged };
    this.#queue.shift(given.records.slice(0, count));
    if (count === given.records.length) this.#progressed();
    else this.#full(given);
    if (count > 0) this.#tellCommitted();
  }

  #tellCommitted(): void {
    for (const listener of [...this.#listeners]) listener(this.highest());
  }

  #diskAnswered(): void {
    this.#retry.answered();
    this.#failure = undefined;
    this.#troubles.clear(journalTroubles.failing);
  }

  #progressed(): void {
    // Before anything is said about troubles: the mark stands where the entries are missing.
    this.#queue.markLost();
    if (!this.#queue.hasUnmarkedLoss) this.#troubles.clear(journalTroubles.overflow);
    this.#diskAnswered();
    // One acknowledgement makes room for some: it is over when nothing waits any more.
    if (this.#queue.count === 0) this.#notFull();
    this.#flush();
    this.#closeIfWritten();
  }

  #notOpen(why: string): void {
    this.#isOpening = false;
    this.#isHanging = false;
    this.#isWriting = false;
    this.#isOpen = false;
    this.#reads.rejectAll(why);
    this.#opened();
    this.#failed(why);
  }

  #failed(why: string): void {
    this.#failure = why;
    this.#retry.failed();
    this.#troubles.raise(journalTroubles.failing);
    this.#closeIfWritten();
  }

  /** The next acknowledgement tries again; alarms go to what is reserved for them. */
  #full({ room, acknowledged }: JournalWrite): void {
    // What came while it was written may have made room.
    const isNews = this.#acknowledged > acknowledged;
    this.#hasReserve = isNews || (this.#hasReserve && room === "common");
    this.#diskAnswered();
    this.#troubles.raise(journalTroubles.full);
    this.#queue.alarmsFirst();
    if (isNews || (this.#hasReserve && this.#queue.alarms(1).length > 0)) this.#flush();
    this.#closeIfWritten();
  }

  #notFull(): void {
    this.#queue.inOrder();
    this.#hasReserve = true;
    this.#recount.stop();
    this.#troubles.clear(journalTroubles.full);
  }

  #tryAgain(): void {
    if (this.#worker === undefined) this.#startWorker();
    else if (!this.#isOpen) this.#open();
    else this.#flush();
  }
}
