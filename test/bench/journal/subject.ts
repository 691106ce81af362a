import type { JournalRecord } from "../../../src/domain/event.ts";

/** A journal to be measured, in this folder. */
export interface Subject {
  append(record: JournalRecord): void;
  /** Resolves when entry `number`, counted from 1, is durable. */
  durable(number: number): Promise<void>;
  close(): Promise<void>;
}

export type OpenSubject = (folder: string) => Promise<Subject>;
