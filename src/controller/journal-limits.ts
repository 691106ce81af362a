/** What a journal may hold, in memory and on disk. Given to `openJournal` whole, so tests can shrink it. */
export interface JournalLimits {
  /**
   * Records in memory that wait for the disk. A further one is lost, and counted by what it was:
   * memory must not grow while a disk fails, and a strike must not wait for one.
   */
  readonly queuedMax: number;
  /** Records in one transaction: what one fsync pays for, and how long the next has to wait. */
  readonly batchMax: number;
  /**
   * Entries on disk that the site has not acknowledged. At this limit nothing is overwritten, since
   * a gap in the chain would read as tampering: new records stay in memory until the site answers,
   * and how many they are is on disk.
   */
  readonly unacknowledgedMax: number;
  /**
   * Entries beyond those, for alarms alone: a journal that somebody filled on purpose still keeps what
   * he does next. They overtake the records that wait in memory.
   */
  readonly alarmsReservedMax: number;
  /** The newest entries stay readable on the controller after the site has them. */
  readonly keptMax: number;
  /**
   * Old entries deleted in one transaction: not for fewer, since that writes pages that a new entry alone
   * leaves as they are, and no more, so that a backlog's end delays no write for long.
   */
  readonly prunedPerWriteMin: number;
  readonly prunedPerWriteMax: number;
  /**
   * How far the acknowledgement on disk lags: by less than the first it is not written along with new
   * entries, by the second it is written without any. So many may be sent twice after a kill.
   */
  readonly acknowledgeLagMin: number;
  readonly acknowledgeLagMax: number;
}

export const journalLimits: JournalLimits = {
  queuedMax: 10_000,
  batchMax: 500,
  unacknowledgedMax: 100_000,
  alarmsReservedMax: 1_000,
  keptMax: 10_000,
  prunedPerWriteMin: 500,
  prunedPerWriteMax: 1_000,
  acknowledgeLagMin: 100,
  acknowledgeLagMax: 1_000,
};
