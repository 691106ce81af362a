import { closeSync, openSync, renameSync } from "node:fs";
import Database from "better-sqlite3";
import { isMissing } from "../domain/failure-code.ts";
import type { SiteLog } from "./site-log.ts";

const shelfFormat = 2;

/** `signer` names the key: whoever restores this file beside other keys is not misled by it. */
const deltasTable = `
  CREATE TABLE deltas (
    controller TEXT NOT NULL,
    version INTEGER NOT NULL,
    fromTag INTEGER NOT NULL,
    signer TEXT NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (controller, version)
  ) STRICT;
`;

const schema = `
  CREATE TABLE tables (
    controller TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    tag INTEGER NOT NULL,
    compiledAt REAL NOT NULL,
    fingerprint TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE told (
    pass TEXT NOT NULL PRIMARY KEY,
    uses TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  ${deltasTable}
  PRAGMA user_version = ${shelfFormat};
`;

/** Numbers stay; deltas that were written another way would open for nobody. */
const fromFormat1 = `
  DROP TABLE deltas;
  DROP TABLE signer;
  ${deltasTable}
  PRAGMA user_version = ${shelfFormat};
`;

/** Makes the file if there is none. One that is damaged is put aside. */
export function openShelfDatabase(file: string, log: SiteLog): Database.Database {
  try {
    return openDatabase(file);
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    if (!/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) throw error;
    log.warn({ file }, "the site's tables are damaged and put aside: controllers get a new epoch");
    for (const side of ["", "-wal", "-shm"]) putAside(`${file}${side}`);
    return openDatabase(file);
  }
}

function putAside(file: string): void {
  try {
    renameSync(file, `${file}.damaged`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function openDatabase(file: string): Database.Database {
  closeSync(openSync(file, "a", 0o600));
  const database = new Database(file);
  try {
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    const format = Number(database.pragma("user_version", { simple: true }));
    if (format > shelfFormat) {
      throw new Error(`${file}: tables of format ${format}; this program knows ${shelfFormat}`);
    }
    if (format < shelfFormat) {
      const change = format === 0 ? schema : fromFormat1;
      database.transaction(() => database.exec(change)).immediate();
    }
    if (database.pragma("quick_check(1)", { simple: true }) !== "ok") {
      throw new Database.SqliteError("quick_check", "SQLITE_CORRUPT");
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
