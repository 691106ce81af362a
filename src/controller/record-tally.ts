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

/** What is told of records that are not in the journal: how many of what, and when the last was. */
export interface RecordTally {
  readonly count: number;
  readonly denialCount: number;
  readonly alarmCount: number;
  readonly last: Omit<JournalRecord, "event">;
}

export function isAlarm({ event }: JournalRecord): boolean {
  return alarmKinds.has(event.kind);
}

/** `tally` and `records`, which come after; undefined for none at all. */
export function tallyWith(
  tally: RecordTally | undefined,
  records: Iterable<JournalRecord>,
): RecordTally | undefined {
  let sum = tally;
  for (const record of records) {
    const { event, ...last } = record;
    // The mark of an earlier loss that is lost in its turn: what it stood for is missing still.
    const isMark = event.kind === "journal_overflow";
    const count = isMark ? event.lostCount : 1;
    const denialCount = isMark ? event.lostDenialCount : Number(event.kind === "access_denied");
    const alarmCount = isMark ? event.lostAlarmCount : Number(isAlarm(record));
    sum = {
      count: (sum?.count ?? 0) + count,
      denialCount: (sum?.denialCount ?? 0) + denialCount,
      alarmCount: (sum?.alarmCount ?? 0) + alarmCount,
      last,
    };
  }
  return sum;
}

/** The entry that stands where they are missing. */
export function overflowMark({ count, denialCount, alarmCount, last }: RecordTally): JournalRecord {
  return {
    ...last,
    event: {
      kind: "journal_overflow",
      lostCount: count,
      lostDenialCount: denialCount,
      lostAlarmCount: alarmCount,
    },
  };
}
