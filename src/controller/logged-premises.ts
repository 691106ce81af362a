import type { Clock } from "../../hal/clock.ts";
import { type AfterRestart, type PremisesChange, PremisesMemory } from "../core/premises-memory.ts";
import { HalError, ioError } from "../domain/hal-error.ts";
import type { DoorId, PassId, UserId } from "../domain/ids.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { Deadline } from "./deadline.ts";
import type { TroubleReporter } from "./journal.ts";
import type { PremisesFound } from "./premises-lines.ts";
import type { PremisesLog } from "./premises-log.ts";
import {
  changeOf,
  type Moment,
  outlasting,
  type PremisesRecord,
  recordsOf,
  spentRecord,
} from "./premises-records.ts";
import type { PremisesStore } from "./premises-store.ts";
import { premisesTroubles } from "./premises-troubles.ts";

/** How long somebody at a door waits for the disk before he is denied. */
const commitMaxMs = 2_000;
/** Commits that may wait for the disk at once: more are refused at once. */
const commitsMax = 1_000;
const retryMinMs = 100;
const retryMaxMs = 30_000;
/** How long `close` waits for the disk. */
const closeMaxMs = 5_000;

interface Waiting {
  readonly giveUpAt: MonotonicMs;
  readonly resolve: () => void;
  readonly reject: (error: HalError) => void;
}

export interface LoggedPremisesOptions {
  readonly log: PremisesLog;
  readonly found: PremisesFound;
  readonly clock: Clock;
  readonly troubles: TroubleReporter;
}

/**
 * Premises over a log. What is to be on disk is kept by key, as it is now and not as it was asked
 * for: changes that wait for a disk that fails take no more room than the premises themselves.
 */
export class LoggedPremises implements PremisesStore {
  readonly memory = new PremisesMemory();
  readonly #log: PremisesLog;
  readonly #clock: Clock;
  readonly #troubles: TroubleReporter;
  readonly #damages: string[];
  readonly #records = new Map<string, string>();
  /** Uses that were committed and are neither granted nor taken back, by pass. */
  readonly #claimed = new Map<PassId, number>();
  /** What each door's settings said last. */
  readonly #filed = new Map<DoorId, AfterRestart>();
  /** Keys whose record is not known to be on disk as it is. */
  #unwritten = new Set<string>();
  /** Those of the write under way. */
  #writing: ReadonlySet<string> = new Set();
  #isDue: boolean;
  /** For the write under way, and for the one after it: oldest first. */
  #waitingNow: Waiting[] = [];
  #waitingNext: Waiting[] = [];
  #writeBeganAt: MonotonicMs | undefined;
  #isScheduled = false;
  #retryMs = retryMinMs;
  readonly #retry: Deadline;
  readonly #giveUp: Deadline;
  /** The write under way was reported to hang. */
  #isHanging = false;
  #closed: Promise<void> | undefined;
  #isOver = false;
  #written: () => void = () => {};

  constructor({ log, found, clock, troubles }: LoggedPremisesOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#troubles = troubles;
    this.#damages = [...found.damages];
    this.#retry = new Deadline(clock, () => this.#write());
    this.#giveUp = new Deadline(clock, () => this.#refuseLate());
    this.#load(found.values);
    if (this.#damages.length > 0) troubles.raise(premisesTroubles.damaged);
    // What is in force now was read, which does not say that it is durable; and a damaged file is
    // replaced by what could be read of it before it gets any worse.
    this.#isDue = found.state !== "whole" || found.values.size > 0;
    if (this.#isDue) this.#schedule();
  }

  commit(changes: readonly PremisesChange[]): Promise<void> {
    for (const change of changes) if (change.kind === "spent") this.#claim(change.pass, 1);
    const isWritten = this.#apply(changes);
    if (!isWritten) return Promise.resolve();
    const now = this.#clock.monotonic();
    if (this.#closed !== undefined) return refused("the premises are closed");
    if (this.#waitingNext.length >= commitsMax) return refused("too many wait for the disk");
    if (this.#isHanging) return refused("the disk does not answer");
    return new Promise((resolve, reject) => {
      const giveUpAt = monotonicMs(now + commitMaxMs);
      this.#waitingNext.push({ giveUpAt, resolve, reject });
      this.#armGiveUp();
    });
  }

  keep(changes: readonly PremisesChange[]): void {
    this.#apply(changes);
  }

  grantUse(pass: PassId): number {
    this.#claim(pass, -1);
    // Those that still wait for the disk come after this one, whoever was first to ask.
    return this.memory.spent(pass) - (this.#claimed.get(pass) ?? 0);
  }

  takeBack(pass: PassId): void {
    this.#claim(pass, -1);
    const spent = this.memory.spent(pass);
    if (spent > 0) this.keep([{ kind: "spent", pass, spent: spent - 1 }]);
  }

  refile(door: DoorId, afterRestart: AfterRestart): void {
    const before = this.#filed.get(door);
    if (before === afterRestart) return;
    this.#filed.set(door, afterRestart);
    if (before !== undefined) return this.#fileAgain(door, afterRestart);
    // What was found was filed under what its settings said then.
    if (afterRestart === "forget") this.#forgetFound(door);
  }

  prune(has: (pass: PassId) => boolean): void {
    const isNeeded = (pass: PassId) => this.#claimed.has(pass) || has(pass);
    this.#put(this.memory.prune(isNeeded).map((pass) => spentRecord(pass, undefined)));
  }

  pruneUsers(has: (user: UserId) => boolean): void {
    const absent = [...this.memory.recordedUsers()].filter((user) => !has(user));
    this.keep(absent.map((user) => ({ kind: "forgiven", user })));
  }

  damages(): readonly string[] {
    return this.#damages;
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  #claim(pass: PassId, more: 1 | -1): void {
    const count = (this.#claimed.get(pass) ?? 0) + more;
    if (count > 0) this.#claimed.set(pass, count);
    else this.#claimed.delete(pass);
  }

  #fileAgain(door: DoorId, afterRestart: AfterRestart): void {
    const now = this.#moment();
    const learnt = this.memory.learntAt(door, afterRestart);
    this.#put(learnt.flatMap((change) => recordsOf(change, [], now)));
  }

  #forgetFound(door: DoorId): void {
    const afterRestart = "forget";
    const learnt = this.memory.learntAt(door, afterRestart);
    this.keep(
      learnt.map((change) => {
        if (change.kind === "moved") return { kind: "forgiven", user: change.passage.user };
        return { ...change, state: outlasting(change.state, afterRestart) };
      }),
    );
  }

  #load(values: ReadonlyMap<string, unknown>): void {
    const now = this.#moment();
    for (const [key, value] of values) {
      const change = changeOf(key, value, now);
      if (change === undefined) {
        this.#damages.push(`${key.slice(0, 80)} is not a record of ours`);
        this.#unwritten.add(key);
        continue;
      }
      this.#records.set(key, JSON.stringify(value));
      const forgotten = this.memory.apply(change);
      for (const { key: gone } of recordsOf({ kind: "forgiven" }, forgotten, now)) {
        this.#records.delete(gone);
        this.#unwritten.add(gone);
      }
    }
  }

  /** Whether any of it is for the disk. */
  #apply(changes: readonly PremisesChange[]): boolean {
    const now = this.#moment();
    const records = changes.flatMap((change) => recordsOf(change, this.memory.apply(change), now));
    return this.#put(records);
  }

  #put(records: readonly PremisesRecord[]): boolean {
    let isWritten = false;
    for (const { key, json } of records) {
      // Nothing to take out: what is not to be remembered costs the disk nothing.
      if (json === undefined && !this.#mayBeOnDisk(key)) continue;
      // Behind the others, as in the memory: the order is that of the last change.
      this.#records.delete(key);
      if (json !== undefined) this.#records.set(key, json);
      this.#unwritten.add(key);
      isWritten = true;
    }
    if (isWritten) this.#isDue = true;
    if (isWritten) this.#schedule();
    return isWritten;
  }

  #mayBeOnDisk(key: string): boolean {
    return this.#records.has(key) || this.#unwritten.has(key) || this.#writing.has(key);
  }

  /** Changes of one turn of the event loop go to the disk together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#write();
    });
  }

  #write(): void {
    if (this.#writeBeganAt !== undefined || !this.#isDue || this.#isOver) return;
    this.#retry.set(undefined);
    this.#writeBeganAt = this.#clock.monotonic();
    this.#writing = this.#unwritten;
    this.#unwritten = new Set();
    this.#isDue = false;
    this.#waitingNow = this.#waitingNext;
    this.#waitingNext = [];
    this.#armGiveUp();
    const changed = Array.from(this.#writing, (key) => ({ key, json: this.#records.get(key) }));
    this.#log.write(changed, this.#records).then(
      () => this.#wrote(),
      (error: unknown) => this.#failed(error),
    );
  }

  #wrote(): void {
    this.#writeBeganAt = undefined;
    this.#isHanging = false;
    this.#writing = new Set();
    this.#retryMs = retryMinMs;
    this.#troubles.clear(premisesTroubles.failing);
    const waiting = this.#waitingNow;
    this.#waitingNow = [];
    for (const { resolve } of waiting) resolve();
    this.#armGiveUp();
    if (this.#isDue) this.#write();
    else this.#written();
  }

  #failed(cause: unknown): void {
    this.#writeBeganAt = undefined;
    this.#isHanging = false;
    for (const key of this.#writing) this.#unwritten.add(key);
    this.#writing = new Set();
    this.#isDue = true;
    this.#troubles.raise(premisesTroubles.failing);
    const waiting = this.#waitingNow;
    this.#waitingNow = [];
    const failure = ioError(cause);
    for (const { reject } of waiting) reject(failure);
    this.#armGiveUp();
    // Who came meanwhile is owed an attempt of his own.
    if (this.#waitingNext.length > 0) return this.#write();
    if (this.#closed !== undefined) return this.#written();
    this.#retry.set(monotonicMs(this.#clock.monotonic() + this.#retryMs));
    this.#retryMs = Math.min(this.#retryMs * 2, retryMaxMs);
  }

  /** The disk neither takes it nor refuses it: who waits at a door is told no. */
  #refuseLate(): void {
    const now = this.#clock.monotonic();
    const isLate = ({ giveUpAt }: Waiting) => giveUpAt <= now;
    const late = [...this.#waitingNow, ...this.#waitingNext].filter(isLate);
    this.#waitingNow = this.#waitingNow.filter((waiting) => !isLate(waiting));
    this.#waitingNext = this.#waitingNext.filter((waiting) => !isLate(waiting));
    this.#isHanging = this.#writeBeganAt !== undefined && now >= this.#writeBeganAt + commitMaxMs;
    this.#troubles.raise(premisesTroubles.failing);
    for (const { reject } of late) reject(new HalError("io", "the disk does not answer"));
    this.#armGiveUp();
  }

  /** Also where nobody waits: a lockdown that does not get onto the disk is worth a trouble. */
  #armGiveUp(): void {
    const hangsAt =
      this.#writeBeganAt === undefined || this.#isHanging
        ? Infinity
        : this.#writeBeganAt + commitMaxMs;
    const waiting = this.#waitingNow[0] ?? this.#waitingNext[0];
    const at = Math.min(hangsAt, waiting?.giveUpAt ?? Infinity);
    this.#giveUp.set(at === Infinity ? undefined : monotonicMs(at));
  }

  async #finish(): Promise<void> {
    this.#retry.set(undefined);
    const written = new Promise<void>((resolve) => {
      this.#written = resolve;
    });
    let giveUp: () => void = () => {};
    const late = new Promise<void>((resolve) => {
      giveUp = resolve;
    });
    const closeBy = monotonicMs(this.#clock.monotonic() + closeMaxMs);
    const alarm = this.#clock.alarm(closeBy, () => giveUp());
    if (this.#isDue) this.#write();
    else if (this.#writeBeganAt === undefined) this.#written();
    await Promise.race([written, late]);
    this.#isOver = true;
    this.#giveUp.set(undefined);
    // A disk that hangs would hold the file, and the process with it.
    if (this.#writeBeganAt === undefined) await Promise.race([this.#log.close(), late]);
    alarm.cancel();
  }

  #moment(): Moment {
    return { monotonic: this.#clock.monotonic(), wall: this.#clock.wall() };
  }
}

function refused(why: string): Promise<never> {
  return Promise.reject(new HalError("io", why));
}
