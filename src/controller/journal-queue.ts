import type { DoorEvent, JournalRecord } from "../domain/event.ts";

/** What somebody would be called out of bed for. */
const alarmKinds: ReadonlySet<DoorEvent["kind"]> = new Set([
  "door_forced",
  "door_held",
  "door_failed_to_relock",
  "contact_cut",
  "contact_shorted",
  "rex_cut",
  "rex_shorted",
  "duress",
  "fire",
  "tamper",
  "alarm_input_fault",
  "pin_lockout",
]);

/** Records on their way to the disk, in order. Bounded; what does not fit is lost, and counted. */
export class JournalQueue {
  readonly #recordsMax: number;
  readonly #records: JournalRecord[] = [];
  #lostCount = 0;
  /** Those lost since the last mark, and the circumstances of the last of them. */
  #unmarked: { lostCount: number; denialCount: number; alarmCount: number } | undefined;
  #lastLost: JournalRecord | undefined;

  constructor(recordsMax: number) {
    this.#recordsMax = recordsMax;
  }

  get count(): number {
    return this.#records.length;
  }

  get lostCount(): number {
    return this.#lostCount;
  }

  /** False where there is no room: the record is lost. */
  push(record: JournalRecord): boolean {
    // Behind a loss that is not marked yet nothing may queue, or the mark would stand too late.
    if (this.#records.length < this.#recordsMax && this.#unmarked === undefined) {
      this.#records.push(record);
      return true;
    }
    this.#lostCount += 1;
    this.#unmarked ??= { lostCount: 0, denialCount: 0, alarmCount: 0 };
    this.#unmarked.lostCount += 1;
    if (record.event.kind === "access_denied") this.#unmarked.denialCount += 1;
    if (alarmKinds.has(record.event.kind)) this.#unmarked.alarmCount += 1;
    this.#lastLost = record;
    return false;
  }

  /** The oldest `recordsMax` at most, which stay until `shift`. */
  front(recordsMax: number): readonly JournalRecord[] {
    return this.#records.slice(0, recordsMax);
  }

  shift(count: number): void {
    this.#records.splice(0, count);
  }

  /** Where records were lost and there is room again, puts an entry that says so. */
  markLost(): void {
    const unmarked = this.#unmarked;
    const last = this.#lastLost;
    if (unmarked === undefined || last === undefined) return;
    if (this.#records.length >= this.#recordsMax) return;
    const { lostCount, denialCount, alarmCount } = unmarked;
    this.#records.push({
      ...last,
      event: {
        kind: "journal_overflow",
        lostCount,
        lostDenialCount: denialCount,
        lostAlarmCount: alarmCount,
      },
    });
    this.#unmarked = undefined;
    this.#lastLost = undefined;
  }

  get hasUnmarkedLoss(): boolean {
    return this.#unmarked !== undefined;
  }
}
