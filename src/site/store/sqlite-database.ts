import { closeSync, openSync, statSync } from "node:fs";
import Database from "better-sqlite3";
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement } from "kysely";
import { LRUCache } from "lru-cache";
import { failureCode } from "../../domain/failure-code.ts";
import type { StoreDatabase } from "./store-database.ts";
import { StoreError } from "./store-error.ts";
import type { StoreSchema } from "./store-schema.ts";

/**
 * Opens the file, made for its owner alone if need be. A lock beside it, which ends with the
 * process, keeps other processes from writing.
 */
export function openSqliteDatabase(file: string): StoreDatabase {
  const opened: { close(): unknown }[] = [];
  try {
    makePrivate(file);
    const lock = openLock(`${file}.lock`);
    opened.push(lock);
    const writer = new GuardedDatabase(file);
    opened.push(writer);
    writer.set("journal_mode = WAL");
    writer.set("synchronous = FULL");
    writer.set("foreign_keys = ON");
    // An import touches indexes all over the file: 64 MB of them are kept. The log's pages come into
    // the file a few megabytes at a time: whoever reads waits for it, as SQLite works in this thread.
    writer.set("cache_size = -65536");
    writer.set("wal_autocheckpoint = 1000");
    const reader = new GuardedDatabase(file);
    opened.push(reader);
    reader.set("query_only = ON");
    return {
      dialect: "sqlite",
      reader: new Kysely<StoreSchema>({ dialect: new SqliteDialect({ database: reader }) }),
      writer: new Kysely<StoreSchema>({ dialect: new SqliteDialect({ database: writer }) }),
      close: async () => closeAll(opened),
    };
  } catch (error) {
    closeAll(opened);
    throw error instanceof StoreError ? error : (storeErrorOf(error, file) ?? error);
  }
}

/** The last to be opened first: who comes next must not find the file in use. */
function closeAll(opened: readonly { close(): unknown }[]): void {
  for (const one of opened.toReversed()) one.close();
}

function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, "a", 0o600));
    const mode = statSync(file).mode & 0o777;
    if ((mode & 0o077) === 0) return;
    const expected = `mode ${mode.toString(8)}: others may use it; expected 600`;
    throw new StoreError("unavailable", `store: ${file}: ${expected}`);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const message = `store: ${file}: cannot be opened: ${failureCode(error)}`;
    throw new StoreError("unavailable", message, { cause: error });
  }
}

/** SQLite's own lock on a file without content: the system takes it away with the process. */
function openLock(file: string): Database.Database {
  closeSync(openSync(file, "a", 0o600));
  const lock = new Database(file, { timeout: 0 });
  try {
    lock.pragma("journal_mode = MEMORY");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    if (!failureCode(error).startsWith("SQLITE_BUSY")) throw error;
    throw new StoreError("in_use", `store: ${file}: another site service has this store open`);
  }
}

const statementsMax = 200;
/** Of a longer one, such as of many rows, hardly another is alike. */
const keptTextMax = 4_000;

/** Statements are kept, and failures are told as the store tells them. */
class GuardedDatabase implements SqliteDatabase {
  readonly #file: string;
  readonly #database: Database.Database;
  readonly #kept = new LRUCache<string, SqliteStatement>({ max: statementsMax });

  constructor(file: string) {
    this.#file = file;
    this.#database = new Database(file);
  }

  set(pragma: string): void {
    this.#database.pragma(pragma);
  }

  prepare(text: string): SqliteStatement {
    // A disk that is full has rolled back by itself, and there is nothing left to.
    if (text === "rollback" && !this.#database.inTransaction) return nothingToDo;
    const kept = this.#kept.get(text);
    if (kept !== undefined) return kept;
    const statement = this.#guarded(() => this.#database.prepare<unknown[], unknown>(text));
    const made: SqliteStatement = {
      reader: statement.reader,
      all: (parameters) => this.#guarded(() => statement.all(...parameters)),
      run: (parameters) => this.#guarded(() => statement.run(...parameters)),
      iterate: (parameters) => this.#guarded(() => statement.iterate(...parameters)),
    };
    if (text.length <= keptTextMax) this.#kept.set(text, made);
    return made;
  }

  close(): void {
    this.#database.close();
  }

  #guarded<Value>(act: () => Value): Value {
    try {
      return act();
    } catch (error) {
      throw storeErrorOf(error, this.#file) ?? error;
    }
  }
}

const nothingToDo: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [][Symbol.iterator](),
};

/** Undefined where the database is well, and what was asked of it is wrong. */
function storeErrorOf(error: unknown, file: string): StoreError | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined;
  const { code } = error;
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return new StoreError("damaged", `store: ${file}: damaged: ${code}`, { cause: error });
  }
  if (!/^SQLITE_(FULL|IOERR|CANTOPEN|BUSY|LOCKED|PROTOCOL|NOLFS|PERM)/.test(code)) return undefined;
  return new StoreError("unavailable", `store: ${file}: ${code}`, { cause: error });
}
