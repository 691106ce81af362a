import type { Decide } from "../decision/subject.ts";

/** A site of so many passes, loaded from the files that its subject was prepared with. */
export interface LoadedTable {
  readonly decide: Decide;
  /** Makes ready for the first `count` changes of changes.ts, so that only taking them is timed. */
  expect(count: number): void;
  /**
   * Takes the next `count` changes together, as they would be taken at a door: when it resolves they
   * are on disk, where the subject has one, and decided by.
   */
  takeNext(count: number): Promise<void>;
  /**
   * Makes the next `count` ready; what it gives back takes them one by one without a disk. Nothing is
   * taken by `takeNext` afterwards.
   */
  readonly readyInMemory?: (count: number) => () => void;
  /** Brings the table back into the form in which it is loaded, while it goes on deciding. */
  readonly fold?: () => Promise<void>;
  close(): Promise<void>;
}

export type LoadTable = (folder: string, passCount: number) => Promise<LoadedTable>;
