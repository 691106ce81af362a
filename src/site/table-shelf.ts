import { createHash } from "node:crypto";
import type Database from "better-sqlite3";
import type { ControllerId, PassId } from "../domain/ids.ts";
import type { TableMark } from "../domain/table-change.ts";
import { type EpochMs, epochMs } from "../domain/time.ts";
import { openShelfDatabase } from "./shelf-database.ts";
import type { SiteLog } from "./site-log.ts";
import type { SpentUses } from "./spent-uses.ts";
import type { TableFingerprint } from "./table-fingerprint.ts";

/** The table that the site wants at one controller. */
export interface ShelvedTable {
  readonly mark: TableMark;
  readonly compiledAt: EpochMs;
  readonly fingerprint: TableFingerprint;
}

/** One version's step to the next. */
export interface ShelvedDelta {
  readonly from: TableMark;
  readonly message: Uint8Array;
}

/** A controller's next table, and the way to it. */
export interface ShelfStep {
  readonly controller: ControllerId;
  readonly table: ShelvedTable;
  /**
   * Each leads to the table that the next one leads on from. Where the last does not lead to `table`,
   * nothing but a snapshot does; whoever has an older table is led as far as they go.
   */
  readonly deltas: readonly ShelvedDelta[];
}

/** The version of the table that a controller is fetching whole, if it does. */
export type FetchedVersion = (controller: ControllerId) => number | undefined;

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
   * would be given out twice. What leads on from a table that is being fetched stays for longer:
   * a fetch that outlasts the way on from it would begin anew for ever.
   */
  store(steps: readonly ShelfStep[], told: ToldUses, fetched?: FetchedVersion): void;
  /** The version that the oldest delta makes; undefined where there is none. */
  deltasFrom(controller: ControllerId): number | undefined;
  /** Whether deltas lead from the controller's table of this version to the wanted one. */
  leadsOn(controller: ControllerId, version: number): boolean;
  /**
   * The messages that lead on from this very table, in order and as far as they go, the first and as
   * many more as `bytesMax` has room for. None where none lead on from it.
   */
  deltasAfter(controller: ControllerId, mark: TableMark, bytesMax: number): readonly Uint8Array[];
  /**
   * What was signed with another key is refused by now, and so it is there for nobody from here on.
   * It goes from the disk with the next thing that is stored: no disk that fails can keep it.
   */
  signWith(signer: string): void;
  close(): void;
}

/**
 * Of each controller, beside the last change, which stays whole. Whoever has been away for longer is
 * sent a snapshot, which is less by then.
 */
export const deltasMax = 2_000;
export const deltasBytesMax = 4 * 1_024 * 1_024;
/** How much of either is left when there is too much: not at each change is the oldest sought. */
const keptShare = 0.75;
/** How many times as much may be there while it leads on from a table that is being fetched. */
const fetchedShare = 4;

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
  return new SqliteShelf(openShelfDatabase(file, log), signer);
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
  /** What the oldest makes. */
  readonly first: number;
  /** What the oldest makes of those that lead to the wanted table without a gap. */
  readonly wholeFrom: number;
  readonly count: number;
  readonly bytes: number;
}

class SqliteShelf implements TableShelf {
  readonly #database: Database.Database;
  readonly #tables: Map<ControllerId, ShelvedTable>;
  readonly #stocks: Map<ControllerId, DeltaStock>;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #signer: string;
  /** Whether there may be deltas on disk that another key signed. */
  #hasStrangers = true;

  constructor(database: Database.Database, signer: string) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#signer = nameOfKey(signer);
    this.#tables = new Map(
      this.#statements.tables
        .all()
        .map(({ controller, compiledAt, fingerprint, ...mark }) => [
          controller,
          { mark, compiledAt: epochMs(compiledAt), fingerprint: BigInt(`0x${fingerprint}`) },
        ]),
    );
    this.#stocks = this.#count();
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

  store(steps: readonly ShelfStep[], told: ToldUses, fetched: FetchedVersion = nobody): void {
    const { tell, forgetStrangers } = this.#statements;
    const stocks = this.#database
      .transaction(() => {
        // Before any number that they stand at is given out again.
        if (this.#hasStrangers) forgetStrangers.run(this.#signer);
        for (const [pass, uses] of told) tell.run(pass, JSON.stringify(uses));
        return steps.map((step) => this.#storeStep(step, fetched(step.controller)));
      })
      .immediate();
    // Not before it is on disk: what is remembered here must never be ahead of what is there.
    this.#hasStrangers = false;
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

  leadsOn(controller: ControllerId, version: number): boolean {
    const wanted = this.#tables.get(controller)?.mark;
    if (wanted === undefined) return false;
    const wholeFrom = this.#stocks.get(controller)?.wholeFrom ?? wanted.version + 1;
    return version + 1 >= wholeFrom && version <= wanted.version;
  }

  deltasAfter(controller: ControllerId, mark: TableMark, bytesMax: number): readonly Uint8Array[] {
    const wanted = this.#tables.get(controller)?.mark;
    if (wanted?.epoch !== mark.epoch || mark.version >= wanted.version) return [];
    const messages: Uint8Array[] = [];
    let { version, tag }: { version: number; tag?: number } = mark;
    let bytes = 0;
    const rows = this.#statements.deltasAfter.iterate(controller, mark.version, this.#signer);
    for (const row of rows) {
      // A table of the same number that another site made, or this one before it was restored from a
      // copy, is not the one that these lead on from.
      const leadsOn = row.version === version + 1 && (tag === undefined || row.fromTag === tag);
      bytes += row.message.length;
      if (!leadsOn || (bytes > bytesMax && messages.length > 0)) break;
      messages.push(row.message);
      version = row.version;
      tag = undefined;
    }
    return messages;
  }

  signWith(signer: string): void {
    const name = nameOfKey(signer);
    if (name === this.#signer) return;
    this.#signer = name;
    this.#hasStrangers = true;
    this.#stocks.clear();
  }

  close(): void {
    this.#database.close();
  }

  #storeStep(
    { controller, table, deltas }: ShelfStep,
    fetched: number | undefined,
  ): DeltaStock | undefined {
    const { keep, shelve, clear } = this.#statements;
    const { mark, compiledAt, fingerprint } = table;
    const { epoch, version, tag } = mark;
    keep.run({
      controller,
      epoch,
      version,
      tag,
      compiledAt,
      fingerprint: fingerprint.toString(16),
    });
    const isNewEpoch = this.#tables.get(controller)?.mark.epoch !== epoch;
    // Those of another epoch lead to nowhere any more.
    if (isNewEpoch) clear.run(controller);
    for (const { from, message } of deltas) {
      shelve.run(controller, from.version + 1, from.tag, this.#signer, message);
    }
    const stock = grown(isNewEpoch ? undefined : this.#stocks.get(controller), { table, deltas });
    if (stock === undefined || !isTooMuch(stock, 1)) return stock;
    const keptFrom = Math.min(deltas[0]?.from.version ?? version, fetched ?? Infinity) + 1;
    return this.#dropOldest(controller, stock, keptFrom);
  }

  /** Down to what is kept of all, and no further than `keptFrom` unless that is far too much. */
  #dropOldest(controller: ControllerId, whole: DeltaStock, keptFrom: number): DeltaStock {
    const { sizes, drop } = this.#statements;
    let stock: DeltaStock = { ...whole, count: 0, bytes: 0 };
    for (const { version, bytes } of sizes.all(controller)) {
      const count = stock.count + 1;
      const longer = { ...stock, first: version, count, bytes: stock.bytes + bytes };
      const share = version >= keptFrom ? fetchedShare : keptShare;
      if (isTooMuch(longer, share) && stock.count > 0) break;
      stock = longer;
    }
    drop.run(controller, stock.first);
    return { ...stock, wholeFrom: Math.max(stock.first, whole.wholeFrom) };
  }

  #count(): Map<ControllerId, DeltaStock> {
    const { stocks, gaps } = this.#statements;
    const lastGaps = new Map(
      gaps.all({ signer: this.#signer }).map(({ controller, version }) => [controller, version]),
    );
    return new Map(
      stocks.all(this.#signer).map(({ controller, last, ...stock }) => {
        const wanted = this.#tables.get(controller)?.mark.version ?? last;
        const wholeFrom = last === wanted ? (lastGaps.get(controller) ?? stock.first) : wanted + 1;
        return [controller, { ...stock, wholeFrom }];
      }),
    );
  }
}

const nobody: FetchedVersion = () => undefined;

/** Short, since it stands beside each delta. */
function nameOfKey(pem: string): string {
  return createHash("sha256").update(pem).digest("hex").slice(0, 16);
}

function grown(
  stock: DeltaStock | undefined,
  { table, deltas }: Pick<ShelfStep, "table" | "deltas">,
): DeltaStock | undefined {
  const [oldest] = deltas;
  const newest = deltas.at(-1);
  if (oldest === undefined || newest === undefined) {
    return stock && { ...stock, wholeFrom: table.mark.version + 1 };
  }
  const first = oldest.from.version + 1;
  const isWhole = newest.from.version + 1 === table.mark.version;
  const bytes = deltas.reduce((sum, { message }) => sum + message.length, 0);
  return {
    first: stock?.first ?? first,
    wholeFrom: isWhole ? (stock?.wholeFrom ?? first) : table.mark.version + 1,
    count: (stock?.count ?? 0) + deltas.length,
    bytes: (stock?.bytes ?? 0) + bytes,
  };
}

function isTooMuch({ count, bytes }: DeltaStock, share: number): boolean {
  return count > deltasMax * share || bytes > deltasBytesMax * share;
}

function prepareStatements(database: Database.Database) {
  return {
    tables: database.prepare<[], TableRow>("SELECT * FROM tables"),
    keep: database.prepare<[TableRow]>(`
      INSERT OR REPLACE INTO tables
      VALUES (@controller, @epoch, @version, @tag, @compiledAt, @fingerprint)`),
    told: database.prepare<[], { pass: PassId; uses: string }>("SELECT * FROM told"),
    tell: database.prepare<[PassId, string]>("INSERT OR REPLACE INTO told VALUES (?, ?)"),
    shelve: database.prepare<[ControllerId, number, number, string, Uint8Array]>(
      "INSERT INTO deltas VALUES (?, ?, ?, ?, ?)",
    ),
    clear: database.prepare<[ControllerId]>("DELETE FROM deltas WHERE controller = ?"),
    drop: database.prepare<[ControllerId, number]>(
      "DELETE FROM deltas WHERE controller = ? AND version < ?",
    ),
    forgetStrangers: database.prepare<[string]>("DELETE FROM deltas WHERE signer <> ?"),
    deltasAfter: database.prepare<
      [ControllerId, number, string],
      { version: number; fromTag: number; message: Uint8Array }
    >(`SELECT version, fromTag, message FROM deltas
      WHERE controller = ? AND version > ? AND signer = ? ORDER BY version`),
    sizes: database.prepare<[ControllerId], { version: number; bytes: number }>(
      `SELECT version, length(message) AS bytes FROM deltas
      WHERE controller = ? ORDER BY version DESC`,
    ),
    stocks: database.prepare<
      [string],
      Omit<DeltaStock, "wholeFrom"> & { controller: ControllerId; last: number }
    >(
      `SELECT controller, min(version) AS first, max(version) AS last, count(*) AS count,
        sum(length(message)) AS bytes
      FROM deltas WHERE signer = ? GROUP BY controller`,
    ),
    // Of each controller the newest delta that follows from none here.
    gaps: database.prepare<[{ signer: string }], { controller: ControllerId; version: number }>(
      `SELECT controller, max(version) AS version FROM deltas AS one
      WHERE signer = @signer AND NOT EXISTS (
        SELECT 1 FROM deltas AS before
        WHERE before.controller = one.controller AND before.version = one.version - 1
          AND before.signer = @signer)
      GROUP BY controller`,
    ),
  };
}
