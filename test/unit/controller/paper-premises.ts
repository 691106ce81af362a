import type { Clock } from "../../../hal/clock.ts";
import type { TroubleReporter } from "../../../src/controller/journal.ts";
import { LoggedPremises } from "../../../src/controller/logged-premises.ts";
import type { PremisesLog } from "../../../src/controller/premises-log.ts";
import type { PremisesRecord } from "../../../src/controller/premises-records.ts";
import type { PremisesStore } from "../../../src/controller/premises-store.ts";

/**
 * A disk of paper: it outlasts the stores that are opened on it. What was committed is on it a turn of
 * the event loop later; a power cut before that loses it. The stores are the real ones.
 */
export class PaperPremisesDisk {
  /** `refuses`: each write is rejected. `hangs`: none is answered until it no longer does. */
  state: "works" | "refuses" | "hangs" = "works";
  readonly records = new Map<string, string>();
  #log: PaperLog | undefined;

  /** What an earlier store had not got onto the disk is lost; that store is dead. */
  open(clock: Clock): PremisesStore {
    this.powerCut();
    const log = new PaperLog(this);
    this.#log = log;
    const values = new Map(
      Array.from(this.records, ([key, json]): [string, unknown] => [key, JSON.parse(json)]),
    );
    return new LoggedPremises({
      log,
      found: { values, state: "whole", damages: [] },
      clock: whileAlive(clock, log),
      troubles: untold,
    });
  }

  powerCut(): void {
    this.#log?.die();
    this.#log = undefined;
  }

  /** Ends `hangs`, and what hung is written; after `refuses` the store tries again by its clock. */
  works(): void {
    this.state = "works";
    this.#log?.answer();
  }
}

const untold: TroubleReporter = { raise: () => undefined, clear: () => undefined };

class PaperLog implements PremisesLog {
  isDead = false;
  readonly #disk: PaperPremisesDisk;
  #answer: (() => void) | undefined;

  constructor(disk: PaperPremisesDisk) {
    this.#disk = disk;
  }

  write(changed: readonly PremisesRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answer = () => {
        if (this.#disk.state === "refuses") return reject(new Error("the paper disk refuses"));
        this.#put(changed);
        resolve();
      };
      queueMicrotask(() => this.answer());
    });
  }

  answer(): void {
    if (this.isDead || this.#disk.state === "hangs") return;
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.();
  }

  die(): void {
    this.isDead = true;
  }

  close(): Promise<void> {
    this.isDead = true;
    return Promise.resolve();
  }

  #put(changed: readonly PremisesRecord[]): void {
    const { records } = this.#disk;
    for (const { key, json } of changed) {
      records.delete(key);
      if (json !== undefined) records.set(key, json);
    }
  }
}

/** The clock of a process: once the power is cut, nothing of it ticks. */
function whileAlive(clock: Clock, log: PaperLog): Clock {
  return {
    monotonic: () => clock.monotonic(),
    wall: () => clock.wall(),
    alarm: (at, due) =>
      clock.alarm(at, () => {
        if (!log.isDead) due();
      }),
  };
}
