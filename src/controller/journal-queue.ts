import type { JournalRecord } from "../domain/event.ts";
import { isAlarm, overflowMark, type RecordTally, tallyWith } from "./record-tally.ts";

export interface JournalQueueLimits {
  readonly recordsMax: number;
  /** Beside them, while alarms go first. */
  readonly alarmsMax: number;
}

/**
 * Records on their way to the disk, in order. Bounded; what does not fit is lost, and counted. While
 * the journal is full alarms do not stand in line behind a crowd of unknown cards: see `alarmsFirst`.
 */
export class JournalQueue {
  readonly #limits: JournalQueueLimits;
  #records: JournalRecord[] = [];
  #alarms: JournalRecord[] = [];
  #areAlarmsFirst = false;
  #lostCount = 0;
  /** Those lost since the last mark. */
  #unmarked: RecordTally | undefined;

  constructor(limits: JournalQueueLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#records.length + this.#alarms.length;
  }

  get lostCount(): number {
    return this.#lostCount;
  }

  get hasUnmarkedLoss(): boolean {
    return this.#unmarked !== undefined;
  }

  /** False where there is no room: the record is lost. */
  push(given: JournalRecord): boolean {
    const { recordsMax, alarmsMax } = this.#limits;
    // Known by itself from here on, also where the same is said twice.
    const record = { ...given };
    if (this.#areAlarmsFirst && isAlarm(record) && this.#alarms.length < alarmsMax) {
      this.#alarms.push(record);
      return true;
    }
    // Behind a loss that is not marked yet nothing may queue, or the mark would stand too late.
    if (this.#records.length < recordsMax && this.#unmarked === undefined) {
      this.#records.push(record);
      return true;
    }
    this.#lostCount += 1;
    this.#unmarked = tallyWith(this.#unmarked, [record]);
    return false;
  }

  /** From now on alarms overtake the others, those that wait already too; until `inOrder`. */
  alarmsFirst(): void {
    if (this.#areAlarmsFirst) return;
    this.#areAlarmsFirst = true;
    const alarms = this.#records.filter(isAlarm).slice(0, this.#limits.alarmsMax);
    this.#alarms.push(...alarms);
    this.#take(alarms);
  }

  /** For when nothing waits any more. */
  inOrder(): void {
    this.#areAlarmsFirst = false;
  }

  /** The oldest alarms of those that go first, which stay until `shift`. */
  alarms(recordsMax: number): readonly JournalRecord[] {
    return this.#alarms.slice(0, recordsMax);
  }

  /** The oldest `recordsMax` of the others at most, which stay until `shift`. */
  front(recordsMax: number): readonly JournalRecord[] {
    return this.#records.slice(0, recordsMax);
  }

  /** Records that `alarms` or `front` gave are durable. */
  shift(records: readonly JournalRecord[]): void {
    if (records.length === 0) return;
    const gone = new Set(records);
    this.#alarms = this.#alarms.filter((record) => !gone.has(record));
    this.#take(records);
  }

  /** All that would be missing if memory were lost once `records` are durable. */
  tallyBehind(records: readonly JournalRecord[]): RecordTally | undefined {
    if (records.length === this.count && this.#unmarked === undefined) return undefined;
    const given = new Set(records);
    const waiting = [...this.#alarms, ...this.#records].filter((record) => !given.has(record));
    const tally = tallyWith(undefined, waiting);
    return this.#unmarked === undefined ? tally : tallyWith(tally, [overflowMark(this.#unmarked)]);
  }

  /** An earlier process lost these: they come before all that waits here. */
  markEarlierLoss(tally: RecordTally): void {
    this.#records.unshift(overflowMark(tally));
  }

  /** Where records were lost and there is room again, puts an entry that says so. */
  markLost(): void {
    if (this.#unmarked === undefined || this.#records.length >= this.#limits.recordsMax) return;
    this.#records.push(overflowMark(this.#unmarked));
    this.#unmarked = undefined;
  }

  #take(records: readonly JournalRecord[]): void {
    const gone = new Set(records);
    this.#records = this.#records.filter((record) => !gone.has(record));
  }
}
