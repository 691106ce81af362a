import Database from "better-sqlite3";
import { decideBy, fillSite } from "./sqlite-site.ts";
import type { LoadSubject } from "./subject.ts";

/** A database in memory. */
export const loadSqlite: LoadSubject = async (passCount) => {
  const database = new Database(":memory:");
  fillSite(database, passCount);
  return decideBy(database);
};
