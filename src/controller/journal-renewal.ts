import { createHash, randomBytes } from "node:crypto";
import type Database from "better-sqlite3";
import type { JournalEntry, JournalRecord } from "../domain/event.ts";
import type { EarlierJournal } from "./journal-messages.ts";

/**
 * What a journal is called that goes on with `first` of `journal`. Of those two alone, and of all that
 * `first` is chained to: where the disk takes back that it was begun, the next one is the same again,
 * and the site knows its entries.
 */
export function journalIdAfter(journal: string, first: JournalEntry | undefined): string {
  if (first === undefined) return randomBytes(16).toString("hex");
  const { number, hash } = first;
  return createHash("sha256")
    .update(`postern/1 journal begun anew\0${journal}\0${number}\0${hash}`)
    .digest("hex")
    .slice(0, 32);
}

export function recordOf({ event, wall, table, tableAgeMs }: JournalEntry): JournalRecord {
  return {
    event,
    wall,
    ...(table !== undefined && { table }),
    ...(tableAgeMs !== undefined && { tableAgeMs }),
  };
}

/** In a transaction. `fill` writes all that the journal of the new name has into the table it is given. */
export function rename(
  db: Database.Database,
  { journal, follows }: { readonly journal: string; readonly follows: EarlierJournal },
  fill: (table: "renewed") => void,
): void {
  db.exec(`
    CREATE TABLE renewed (
      number INTEGER PRIMARY KEY, hash BLOB NOT NULL, record TEXT NOT NULL
    ) STRICT;
  `);
  fill("renewed");
  db.exec("DROP TABLE entry; ALTER TABLE renewed RENAME TO entry; DELETE FROM follows");
  db.prepare("UPDATE journal SET id = ?, acknowledged = 0").run(journal);
  db.prepare("INSERT INTO follows VALUES (?, ?)").run(follows.journal, follows.offset);
}
