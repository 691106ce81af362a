import type { Worker } from "node:worker_threads";
import type { JournalEntry, JournalRecord } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";
import { monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { Deadline } from "./deadline.ts";
import type { Journal, JournalOptions, JournalStatus, TroubleReporter } from "./journal.ts";
import { type JournalLimits, journalLimits } from "./journal-limits.ts";
import type { JournalAnswer, JournalOnDisk, JournalRequest } from "./journal-messages.ts";
import { JournalQueue } from "./journal-queue.ts";
import { startJournalWorker } from "./journal-thread.ts";
import { journalTroubles } from "./journal-troubles.ts";

const retryMinMs = 100;
const retryMaxMs = 30_000;
/** How long `close` waits for the disk before it gives up what is still in memory. */
const closeMaxMs = 5_000;
/** Entries in one answer: what is copied between threads at once. */
const readMax = 1_000;

interface PendingRead {
  readonly resolve: (entries: readonly JournalEntry[]) => void;
  readonly reject: (error: HalError) => void;
}

/** The journal as this thread sees it: a bounded queue, and a worker that answers in order. */
export class ThreadedJournal implements Journal {
  readonly firstOpened: Promise<void>;
  readonly #options: JournalOptions;
  readonly #limits: JournalLimits;
  readonly #queue: JournalQueue;
  readonly #retry: Deadline;
  readonly #listeners = new Set<(highest: number) => void>();
  readonly #reads = new Map<number, PendingRead>();
  readonly #troubles = new Set<string>();
  #reporter: TroubleReporter | undefined;
  #worker: Worker | undefined;
  /** What the worker last said, also while another worker is being started. */
  #onDisk: JournalOnDisk | undefined;
  #isOpen = false;
  #acknowledged = 0;
  /** A write is under way; its records are still the front of the queue. */
  #isWriting = false;
  #flushIsDue = false;
  #retryMs = retryMinMs;
  #failure: string | undefined;
  #requestCount = 0;
  #opened: () => void = () => {};
  #closed: Promise<void> | undefined;
  #finishClosing: (() => void) | undefined;
  #closeIsSent = false;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#limits = options.limits ?? journalLimits;
    this.#queue = new JournalQueue(this.#limits.queuedMax);
    this.#retry = new Deadline(options.clock, () => this.#tryAgain());
    this.firstOpened = new Promise((resolve) => {
      this.#opened = resolve;
    });
    this.#startWorker();
  }

  append(record: JournalRecord): void {
    if (!this.#queue.push(record)) this.#raise(journalTroubles.overflow);
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    // Records of one turn of the event loop go to the worker together.
    queueMicrotask(() => {
      this.#flushIsDue = false;
      // While the disk refuses, the back-off decides when to try, not the next tap at a door.
      if (!this.#isRefused()) this.#flush();
    });
  }

  onCommitted(listener: (highest: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  read(range: {
    readonly after: number;
    readonly limit: number;
  }): Promise<readonly JournalEntry[]> {
    if (!this.#isOpen) return Promise.reject(new HalError("io", "the journal is not open"));
    this.#requestCount += 1;
    const request = this.#requestCount;
    const limit = Math.min(range.limit, readMax);
    return new Promise((resolve, reject) => {
      this.#reads.set(request, { resolve, reject });
      this.#send({ kind: "read", request, after: range.after, limit });
    });
  }

  acknowledge(number: number): void {
    if (!Number.isInteger(number) || number <= this.#acknowledged) return;
    if (number > this.highest()) return;
    this.#acknowledged = number;
    if (this.#troubles.has(journalTroubles.full) || this.#acknowledgementLags()) this.#flush();
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
      troubles: [...this.#troubles].sort(),
      failure: this.#failure,
    };
  }

  reportTroubles(reporter: TroubleReporter): void {
    this.#reporter = reporter;
    for (const trouble of this.#troubles) reporter.raise(trouble);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const giveUp = clock.alarm(monotonicMs(clock.monotonic() + closeMaxMs), resolve);
      this.#finishClosing = () => {
        giveUp.cancel();
        resolve();
      };
      this.#flush();
      this.#closeIfWritten();
    });
    this.#retry.set(undefined);
    this.#isOpen = false;
    const worker = this.#worker;
    this.#worker = undefined;
    this.#rejectReads("the journal is closed");
    await worker?.terminate();
  }

  /** A disk that refuses has had its last try; what is in memory then is not waited for. */
  #closeIfWritten(): void {
    if (this.#finishClosing === undefined || this.#isWriting) return;
    if (!this.#isOpen) return this.#finishClosing();
    if (this.#closeIsSent || (this.#queue.count > 0 && !this.#isRefused())) return;
    this.#closeIsSent = true;
    const acknowledged = this.#acknowledged;
    this.#send({ kind: "close", journal: this.id() ?? "", acknowledged });
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
    const records = this.#queue.front(this.#limits.batchMax);
    if (records.length === 0 && !this.#acknowledgementLags()) return;
    const acknowledged = this.#acknowledged;
    this.#isWriting = true;
    this.#send({
      kind: "write",
      journal: this.id() ?? "",
      records,
      acknowledged,
    });
  }

  #send(request: JournalRequest): void {
    this.#worker?.postMessage(request);
  }

  #startWorker(): void {
    const { file, controller } = this.#options;
    const worker = startJournalWorker({
      file,
      controller,
      limits: this.#limits,
    });
    this.#worker = worker;
    worker.on("message", (answer: JournalAnswer) => this.#answered(answer));
    worker.on("error", (error) => this.#workerEnded(worker, String(error)));
    worker.on("exit", () => this.#workerEnded(worker, "the journal's thread ended"));
    this.#send({ kind: "open" });
  }

  #workerEnded(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#notOpen(why);
  }

  #answered(answer: JournalAnswer): void {
    switch (answer.kind) {
      case "opened":
        return this.#onOpened(answer);
      case "open_failed":
        return this.#notOpen(answer.detail);
      case "written":
        return this.#onWritten(answer);
      case "write_failed":
        this.#isWriting = false;
        return answer.fault === "full" ? this.#full() : this.#failed(answer.detail);
      case "entries":
        return this.#settleRead(answer.request)?.resolve(answer.entries);
      case "read_failed":
        return this.#settleRead(answer.request)?.reject(new HalError("io", answer.detail));
      case "closed":
        return this.#finishClosing?.();
      default:
        return unreachable(answer);
    }
  }

  #onOpened(found: JournalOnDisk): void {
    const before = this.#onDisk;
    this.#isWriting = false;
    this.#onDisk = found;
    this.#isOpen = true;
    if (before?.journal !== found.journal) this.#acknowledged = found.acknowledged;
    // A thread that died may have written what it was given without living to say so.
    else this.#queue.shift(found.highest - before.highest);
    if (found.setAside !== undefined) this.#raise(journalTroubles.setAside);
    this.#opened();
    this.#progressed();
  }

  #onWritten(answer: Extract<JournalAnswer, { kind: "written" }>): void {
    const { count, oldest, highest, acknowledged } = answer;
    const onDisk = this.#onDisk;
    if (onDisk === undefined || !this.#isWriting) return;
    this.#isWriting = false;
    this.#onDisk = { ...onDisk, oldest, highest, acknowledged };
    this.#queue.shift(count);
    this.#progressed();
    if (count > 0) for (const listener of [...this.#listeners]) listener(highest);
  }

  #progressed(): void {
    this.#retryMs = retryMinMs;
    this.#retry.set(undefined);
    this.#failure = undefined;
    // Before anything is said about troubles: the mark stands where the entries are missing.
    this.#queue.markLost();
    if (!this.#queue.hasUnmarkedLoss) this.#clear(journalTroubles.overflow);
    this.#clear(journalTroubles.failing);
    // One acknowledgement makes room for some: it is over when nothing waits any more.
    if (this.#queue.count === 0) this.#clear(journalTroubles.full);
    this.#flush();
    this.#closeIfWritten();
  }

  #notOpen(why: string): void {
    this.#isWriting = false;
    this.#isOpen = false;
    this.#rejectReads(why);
    this.#opened();
    this.#failed(why);
  }

  #failed(why: string): void {
    const { clock } = this.#options;
    this.#failure = why;
    this.#retry.set(monotonicMs(clock.monotonic() + this.#retryMs));
    this.#retryMs = Math.min(this.#retryMs * 2, retryMaxMs);
    this.#raise(journalTroubles.failing);
    this.#closeIfWritten();
  }

  /** No timer: the next acknowledgement tries again. */
  #full(): void {
    this.#raise(journalTroubles.full);
    this.#closeIfWritten();
  }

  #tryAgain(): void {
    if (this.#worker === undefined) this.#startWorker();
    else if (!this.#isOpen) this.#send({ kind: "open" });
    else this.#flush();
  }

  #raise(trouble: string): void {
    if (this.#troubles.has(trouble)) return;
    this.#troubles.add(trouble);
    this.#reporter?.raise(trouble);
  }

  #clear(trouble: string): void {
    if (this.#troubles.delete(trouble)) this.#reporter?.clear(trouble);
  }

  #settleRead(request: number): PendingRead | undefined {
    const read = this.#reads.get(request);
    this.#reads.delete(request);
    return read;
  }

  #rejectReads(why: string): void {
    for (const { reject } of this.#reads.values()) reject(new HalError("io", why));
    this.#reads.clear();
  }
}
