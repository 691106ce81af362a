import { closeSync, openSync, renameSync } from "node:fs";
import Database from "better-sqlite3";
import type { ControllerId, PassId } from "../domain/ids.ts";
import type { TableMark } from "../domain/table-change.ts";
import { type EpochMs, epochMs } from "../domain/time.ts";
import { deltaBytesMax } from "../protocols/sync/table-delta.ts";
import { isSameTable } from "../protocols/sync/table-order.ts";
import type { SiteLog } from "./site-log.ts";
import type { SpentUses } from "./spent-uses.ts";
import type { TableFingerprint } from "./table-fingerprint.ts";

/** The table that the site wants at one controller. */
export interface ShelvedTable {
  readonly mark: TableMark;
  readonly compiledAt: EpochMs;
  readonly fingerprint: TableFingerprint;
}

/** A controller's next table, and the way to it. */
export interface ShelfStep {
  readonly controller: ControllerId;
  readonly table: ShelvedTable;
  /** What leads to it from the one before. Absent: nothing but a snapshot does. */
  readonly delta?: { readonly from: TableMark; readonly message: Uint8Array };
}

/** What the tables say is spent of passes, which is what the site knew when it made them. */
export type ToldUses = ReadonlyMap<PassId, ReturnType<SpentUses>>;

/**
 * The numbers that were given out, and the deltas that lead from one to the next. What is in it is
 * on disk when a call returns; calls throw a SqliteError where the disk fails, and change nothing
 * then.
 */
export interface TableShelf {
  tables(): ReadonlyMap<ControllerId, ShelvedTable>;
  told(): ToldUses;
  /**
   * All of it or nothing: before any of it is published, since a number that a power cut took back
   * would be given out twice.
   */
  store(steps: readonly ShelfStep[], told: ToldUses): void;
  /** The version that the oldest delta makes; undefined where there is none. */
  deltasFrom(controller: ControllerId): number | undefined;
  /** The messages that lead on from this very table, in order; undefined where some are gone. */
  deltasAfter(controller: ControllerId, mark: TableMark): readonly Uint8Array[] | undefined;
  /** What was signed with another key is refused by now. */
  forgetDeltas(signer: string): void;
  close(): void;
}

/**
 * Of each controller. Whoever has been away for longer is sent a snapshot, which is less by then.
 */
export const deltasMax = 2_000;
export const deltasBytesMax = deltaBytesMax;
/** How much of either is left when there is too much: not at each change is the oldest sought. */
const keptShare = 0.75;

const shelfFormat = 1;

const schema = `
  CREATE TABLE signer (key TEXT NOT NULL) STRICT;
  CREATE TABLE tables (
    controller TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    tag INTEGER NOT NULL,
    compiledAt REAL NOT NULL,
    fingerprint TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE deltas (
    controller TEXT NOT NULL,
    version INTEGER NOT NULL,
    fromTag INTEGER NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (controller, version)
  ) STRICT;
  CREATE TABLE told (
    pass TEXT NOT NULL PRIMARY KEY,
    uses TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${shelfFormat};
`;

export interface TableShelfOptions {
  readonly file: string;
  /** Names the key that deltas are signed with. */
  readonly signer: string;
  readonly log: SiteLog;
}

/**
 * Makes the file if there is none. One that is damaged is put aside, and every number forgotten.
 */
export function openTableShelf({ file, signer, log }: TableShelfOptions): TableShelf {
  const shelf = new SqliteShelf(openWhole(file, log));
  if (shelf.signer() !== signer) shelf.forgetDeltas(signer);
  return shelf;
}

function openWhole(file: string, log: SiteLog): Database.Database {
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
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
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
    if (format === 0) database.transaction(() => database.exec(schema)).immediate();
    if (database.pragma("quick_check(1)", { simple: true }) !== "ok") {
      throw new Database.SqliteError("quick_check", "SQLITE_CORRUPT");
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

interface TableRow {
  readonly controller: ControllerId;
  readonly epoch: number;
  readonly version: number;
  readonly tag: number;
  readonly compiledAt: number;
  readonly fingerprint: string;
}

/** How much one controller has on the shelf, so that nobody counts at each change. */
interface DeltaStock {
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
}

class SqliteShelf implements TableShelf {
  readonly #database: Database.Database;
  readonly #tables: Map<ControllerId, ShelvedTable>;
  readonly #stocks: Map<ControllerId, DeltaStock>;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#tables = new Map(
      this.#statements.tables
        .all()
        .map(({ controller, compiledAt, fingerprint, ...mark }) => [
          controller,
          { mark, compiledAt: epochMs(compiledAt), fingerprint: BigInt(`0x${fingerprint}`) },
        ]),
    );
    this.#stocks = new Map();
    this.#count();
  }

  signer(): string | undefined {
    return this.#statements.signer.get()?.key;
  }

  tables(): ReadonlyMap<ControllerId, ShelvedTable> {
    return this.#tables;
  }

  told(): ToldUses {
    return new Map(
      this.#statements.told
        .all()
        .map(({ pass, uses }) => [pass, JSON.parse(uses) as ReturnType<SpentUses>]),
    );
  }

  store(steps: readonly ShelfStep[], told: ToldUses): void {
    const { tell } = this.#statements;
    const stocks = this.#database
      .transaction(() => {
        for (const [pass, uses] of told) tell.run(pass, JSON.stringify(uses));
        return steps.map((step) => this.#storeStep(step));
      })
      .immediate();
    // Not before it is on disk: what is remembered here must never be ahead of what is there.
    for (const [at, { controller, table }] of steps.entries()) {
      const stock = stocks[at];
      this.#tables.set(controller, table);
      if (stock === undefined) this.#stocks.delete(controller);
      else this.#stocks.set(controller, stock);
    }
  }

  deltasFrom(controller: ControllerId): number | undefined {
    return this.#stocks.get(controller)?.first;
  }

  deltasAfter(controller: ControllerId, mark: TableMark): readonly Uint8Array[] | undefined {
    const wanted = this.#tables.get(controller)?.mark;
    if (wanted === undefined) return undefined;
    if (isSameTable(mark, wanted)) return [];
    if (mark.epoch !== wanted.epoch || mark.version >= wanted.version) return undefined;
    const rows = this.#statements.deltasAfter.all(controller, mark.version);
    const [first] = rows;
    // A table of the same number that another site made, or this one before it was restored from a
    // copy, is not the one that these lead on from.
    const leadOn = first?.version === mark.version + 1 && first.fromTag === mark.tag;
    return leadOn ? rows.map(({ message }) => message) : undefined;
  }

  forgetDeltas(signer: string): void {
    this.#database
      .transaction(() => {
        this.#database.exec("DELETE FROM deltas; DELETE FROM signer");
        this.#statements.sign.run(signer);
      })
      .immediate();
    this.#stocks.clear();
  }

  close(): void {
    this.#database.close();
  }

  #storeStep({ controller, table, delta }: ShelfStep): DeltaStock | undefined {
    const { keep, shelve, clear } = this.#statements;
    const { mark, compiledAt, fingerprint } = table;
    const { epoch, version, tag } = mark;
    const text = fingerprint.toString(16);
    keep.run({ controller, epoch, version, tag, compiledAt, fingerprint: text });
    if (delta === undefined) {
      // Those from before lead to nowhere any more.
      clear.run(controller);
      return undefined;
    }
    shelve.run(controller, version, delta.from.tag, delta.message);
    const known = this.#stocks.get(controller) ?? { first: version, count: 0, bytes: 0 };
    const { first, count, bytes } = known;
    const stock = { first, count: count + 1, bytes: bytes + delta.message.length };
    return stock.count > deltasMax || stock.bytes > deltasBytesMax
      ? this.#dropOldest(controller)
      : stock;
  }

  #dropOldest(controller: ControllerId): DeltaStock {
    const { sizes, drop } = this.#statements;
    let stock: DeltaStock = { first: 0, count: 0, bytes: 0 };
    for (const { version, bytes } of sizes.all(controller)) {
      const longer = { first: version, count: stock.count + 1, bytes: stock.bytes + bytes };
      const isTooLong =
        longer.count > deltasMax * keptShare || longer.bytes > deltasBytesMax * keptShare;
      // The newest stays, however long.
      if (isTooLong && stock.count > 0) break;
      stock = longer;
    }
    drop.run(controller, stock.first);
    return stock;
  }

  #count(): void {
    for (const { controller, ...stock } of this.#statements.stocks.all()) {
      this.#stocks.set(controller, stock);
    }
  }
}

function prepareStatements(database: Database.Database) {
  return {
    signer: database.prepare<[], { key: string }>("SELECT key FROM signer"),
    sign: database.prepare<[string]>("INSERT INTO signer VALUES (?)"),
    tables: database.prepare<[], TableRow>("SELECT * FROM tables"),
    keep: database.prepare<[TableRow]>(`
      INSERT OR REPLACE INTO tables
      VALUES (@controller, @epoch, @version, @tag, @compiledAt, @fingerprint)`),
    told: database.prepare<[], { pass: PassId; uses: string }>("SELECT * FROM told"),
    tell: database.prepare<[PassId, string]>("INSERT OR REPLACE INTO told VALUES (?, ?)"),
    shelve: database.prepare<[ControllerId, number, number, Uint8Array]>(
      "INSERT INTO deltas VALUES (?, ?, ?, ?)",
    ),
    clear: database.prepare<[ControllerId]>("DELETE FROM deltas WHERE controller = ?"),
    drop: database.prepare<[ControllerId, number]>(
      "DELETE FROM deltas WHERE controller = ? AND version < ?",
    ),
    deltasAfter: database.prepare<
      [ControllerId, number],
      { version: number; fromTag: number; message: Uint8Array }
    >(`SELECT version, fromTag, message FROM deltas
      WHERE controller = ? AND version > ? ORDER BY version`),
    sizes: database.prepare<[ControllerId], { version: number; bytes: number }>(
      `SELECT version, length(message) AS bytes FROM deltas
      WHERE controller = ? ORDER BY version DESC`,
    ),
    stocks: database.prepare<[], DeltaStock & { controller: ControllerId }>(
      `SELECT controller, min(version) AS first, count(*) AS count, sum(length(message)) AS bytes
      FROM deltas GROUP BY controller`,
    ),
  };
}
