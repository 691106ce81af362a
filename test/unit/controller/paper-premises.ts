import type { Clock } from "../../../hal/clock.ts";
import {
  changeOf,
  type PremisesRecord,
  recordsOf,
  spentRecord,
} from "../../../src/controller/premises-records.ts";
import type { PremisesStore } from "../../../src/controller/premises-store.ts";
import { type PremisesChange, PremisesMemory } from "../../../src/core/premises-memory.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import type { PassId, UserId } from "../../../src/domain/ids.ts";

/**
 * A disk of paper: it outlasts the stores that are opened on it. What was committed is on it a turn of
 * the event loop later; a power cut before that loses it.
 */
export class PaperPremisesDisk {
  /** `refuses`: each commit is rejected. `hangs`: none is answered until it no longer does. */
  state: "works" | "refuses" | "hangs" = "works";
  readonly records = new Map<string, string>();
  #store: PaperPremises | undefined;

  /** What an earlier store had not got onto the disk is lost; that store is dead. */
  open(clock: Pick<Clock, "monotonic" | "wall">): PremisesStore {
    this.powerCut();
    this.#store = new PaperPremises(this, clock);
    return this.#store;
  }

  powerCut(): void {
    this.#store?.die();
    this.#store = undefined;
  }

  /** Ends `hangs` or `refuses`, and writes what waited. */
  works(): void {
    this.state = "works";
    this.#store?.write();
  }
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: HalError) => void;
}

class PaperPremises implements PremisesStore {
  readonly memory = new PremisesMemory();
  readonly #disk: PaperPremisesDisk;
  readonly #clock: Pick<Clock, "monotonic" | "wall">;
  #unwritten: PremisesRecord[] = [];
  #waiting: Waiting[] = [];
  #isDead = false;

  constructor(disk: PaperPremisesDisk, clock: Pick<Clock, "monotonic" | "wall">) {
    this.#disk = disk;
    this.#clock = clock;
    for (const [key, json] of disk.records) {
      const change = changeOf(key, JSON.parse(json), this.#now());
      if (change !== undefined) this.memory.apply(change);
    }
  }

  commit(changes: readonly PremisesChange[]): Promise<void> {
    for (const change of changes) {
      this.#unwritten.push(...recordsOf(change, this.memory.apply(change), this.#now()));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      queueMicrotask(() => this.write());
    });
  }

  keep(changes: readonly PremisesChange[]): void {
    this.commit(changes).catch(() => undefined);
  }

  takeBack(pass: PassId): void {
    this.keep([{ kind: "spent", pass, spent: Math.max(0, this.memory.spent(pass) - 1) }]);
  }

  prune(has: (pass: PassId) => boolean): void {
    for (const pass of this.memory.prune(has)) this.#unwritten.push(spentRecord(pass, undefined));
  }

  pruneUsers(has: (user: UserId) => boolean): void {
    const absent = [...this.memory.recordedUsers()].filter((user) => !has(user));
    this.keep(absent.map((user) => ({ kind: "forgiven", user })));
  }

  damages(): readonly string[] {
    return [];
  }

  close(): Promise<void> {
    this.write();
    this.#isDead = true;
    return Promise.resolve();
  }

  write(): void {
    if (this.#isDead || this.#disk.state === "hangs") return;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#disk.state === "refuses") {
      for (const { reject } of waiting) reject(new HalError("io", "the paper disk refuses"));
      return;
    }
    for (const { key, json } of this.#unwritten) {
      if (json === undefined) this.#disk.records.delete(key);
      else this.#disk.records.set(key, json);
    }
    this.#unwritten = [];
    for (const { resolve } of waiting) resolve();
  }

  die(): void {
    this.#isDead = true;
  }

  #now() {
    return { monotonic: this.#clock.monotonic(), wall: this.#clock.wall() };
  }
}
