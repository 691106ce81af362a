import type { Journal, JournalOptions } from "./journal.ts";
import { ThreadedJournal } from "./threaded-journal.ts";

/**
 * Resolves when the file was opened, or could not be, or after 5 s: the doors work without it, records wait in
 * memory, and opening is tried again.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const journal = new ThreadedJournal(options);
  await journal.firstOpened;
  return journal;
}
