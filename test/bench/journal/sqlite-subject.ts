import { join } from "node:path";
import Database from "better-sqlite3";
import { controllerId } from "../../../src/domain/ids.ts";
import { chainStart, hashEntry } from "../../../src/protocols/sync/journal-chain.ts";
import type { OpenSubject } from "./subject.ts";

/** The obvious program: one table, one INSERT for each entry. It forgets nothing, which is less work. */
export const openSqliteSubject: OpenSubject = async (folder) => {
  const db = new Database(join(folder, "journal.sqlite3"));
  db.exec("CREATE TABLE entry (number INTEGER PRIMARY KEY, previous TEXT, hash TEXT, record TEXT)");
  const insert = db.prepare("INSERT INTO entry VALUES (?, ?, ?, ?)");
  const origin = { controller: controllerId("bench"), journal: "0".repeat(32) };
  let number = 0;
  let previous = chainStart;
  return {
    append: (record) => {
      number += 1;
      const hash = hashEntry({ ...record, ...origin, number, previous });
      insert.run(number, previous, hash, JSON.stringify(record));
      previous = hash;
    },
    durable: () => Promise.resolve(),
    close: async () => {
      db.close();
    },
  };
};
