import { randomUUID } from "node:crypto";
import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../../../hal/clock.ts";
import type { Result } from "../../domain/result.ts";
import { writableEpochMs } from "../../domain/time.ts";
import { openPostgresDatabase } from "./postgres-database.ts";
import { putRows } from "./put-rows.ts";
import type { AuditNote, Author, SiteStore, StoreChange, StoreRecord } from "./site-store.ts";
import { openSqliteDatabase } from "./sqlite-database.ts";
import type { StoreDatabase } from "./store-database.ts";
import { StoreError } from "./store-error.ts";
import type { StoreSchema } from "./store-schema.ts";
import { bringUpToDate } from "./store-tables.ts";

export type DatabaseChoice =
  | { readonly kind: "sqlite"; readonly file: string }
  /** Holds a password, as a rule: it goes into no log and no message. */
  | { readonly kind: "postgres"; readonly url: string };

export interface SiteStoreOptions {
  readonly database: DatabaseChoice;
  readonly clock: Clock;
}

/** Of `DATABASE_URL`, which sites without one do not have: their store is a file. */
export function chooseDatabase(url: string | undefined, file: string): DatabaseChoice {
  return url === undefined || url === "" ? { kind: "sqlite", file } : { kind: "postgres", url };
}

/**
 * Opens the store, made or brought up to date if need be. Throws a `StoreError`: `in_use` where
 * another site service has it, `newer` where a newer program made it, `unavailable`, `damaged`.
 */
export async function openSiteStore({ database, clock }: SiteStoreOptions): Promise<SiteStore> {
  const opened =
    database.kind === "sqlite"
      ? openSqliteDatabase(database.file)
      : openPostgresDatabase(database.url);
  try {
    await bringUpToDate(opened.writer, opened.dialect);
    return new OpenStore(opened, clock, await readMark(opened.reader));
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Further changes are refused: whoever brings more than can be written must wait. */
const changesWaitingMax = 1_000;

/** Which change is the last: its number, and what tells it from another's of that number. */
interface StoreMark {
  readonly revision: number;
  readonly change: string;
}

interface Made<Value> {
  readonly made: Value;
  /** Of the store once that is in it. */
  readonly mark: StoreMark;
}

type Make<Value> = (record: StoreRecord, mark: StoreMark) => Promise<Made<Value>>;

/** Takes a transaction back without being a failure of it. */
class TakenBack extends Error {
  /** What is to be answered. */
  readonly made: unknown;

  constructor(made: unknown) {
    super("taken back");
    this.made = made;
  }
}

class OpenStore implements SiteStore {
  readonly #database: StoreDatabase;
  readonly #clock: Clock;
  #mark: StoreMark;
  /** One whose commit was not answered: it is in the store, or it is not. */
  #inDoubt: StoreMark | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waitingCount = 0;
  #askedCount = 0;
  /**
   * Whatever had been asked by then does not look for the server again: a thousand changes, each of
   * which waited for it in its turn, would be refused an hour later.
   */
  #lookedFor = 0;
  #isClosed = false;

  constructor(database: StoreDatabase, clock: Clock, mark: StoreMark) {
    this.#database = database;
    this.#clock = clock;
    this.#mark = mark;
  }

  get rows(): Kysely<StoreSchema> {
    return this.#database.reader;
  }

  async revision(): Promise<number> {
    return (await readMark(this.#database.reader)).revision;
  }

  change<Value, Fault>(
    author: Author,
    make: (change: StoreChange) => Promise<Result<Value, Fault>>,
  ): Promise<Result<Value, Fault>> {
    return this.#oneAfterAnother(() =>
      this.#transact<Result<Value, Fault>>(async (record, mark) => {
        const revision = mark.revision + 1;
        const notes: AuditNote[] = [];
        const made = await make({ ...record, revision, note: (note) => notes.push(note) });
        if (!made.ok) throw new TakenBack(made);
        await audit(record, author, notes);
        const next = { revision, change: randomUUID() };
        await writeMark(record.rows, next);
        return { made, mark: next };
      }),
    );
  }

  record<Value>(make: (record: StoreRecord) => Promise<Value>): Promise<Value> {
    return this.#oneAfterAnother(() =>
      this.#transact<Value>(async (record, mark) => ({ made: await make(record), mark })),
    );
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#last;
    await this.#database.close();
  }

  #oneAfterAnother<Value>(act: () => Promise<Value>): Promise<Value> {
    if (this.#isClosed) return Promise.reject(new StoreError("unavailable", "store: closed"));
    if (this.#waitingCount >= changesWaitingMax) {
      const message = `store: ${changesWaitingMax} changes wait already`;
      return Promise.reject(new StoreError("unavailable", message));
    }
    this.#waitingCount += 1;
    this.#askedCount += 1;
    const number = this.#askedCount;
    const acted = this.#last
      .then(() => {
        if (number > this.#lookedFor) return act();
        throw new StoreError("unavailable", "store: cannot be reached");
      })
      .finally(() => {
        this.#waitingCount -= 1;
      });
    this.#last = acted.catch(() => undefined);
    return acted;
  }

  async #transact<Value>(make: Make<Value>): Promise<Value> {
    let isBegun = false;
    let reached: Made<Value> | undefined;
    const then: (() => void)[] = [];
    try {
      await this.#database.writer.transaction().execute(async (rows) => {
        isBegun = true;
        const mark = await this.#currentMark(rows);
        const at = writableEpochMs(this.#clock.wall().at);
        reached = await make({ rows, at, afterwards: (act) => then.push(act) }, mark);
      });
    } catch (error) {
      if (error instanceof TakenBack) return error.made as Value;
      if (!isBegun) this.#lookedFor = this.#askedCount;
      // Whether it is in the store is seen once that can be asked again.
      if (reached !== undefined) this.#inDoubt = reached.mark;
      throw error;
    }
    if (reached === undefined) throw new Error("committed without having been made");
    this.#mark = reached.mark;
    for (const act of then) act();
    return reached.made;
  }

  /** Throws `overtaken` where somebody else has changed the store. */
  async #currentMark(rows: Transaction<StoreSchema>): Promise<StoreMark> {
    const found = await readMark(rows);
    if (this.#inDoubt !== undefined && found.change === this.#inDoubt.change) {
      this.#mark = this.#inDoubt;
    }
    this.#inDoubt = undefined;
    if (found.revision === this.#mark.revision && found.change === this.#mark.change) return found;
    const message =
      "store: another program has changed it meanwhile; the site must be started anew";
    throw new StoreError("overtaken", message);
  }
}

async function readMark(rows: Kysely<StoreSchema>): Promise<StoreMark> {
  const facts = await rows
    .selectFrom("facts")
    .selectAll()
    .where("key", "in", ["revision", "change"])
    .execute();
  const of = (key: string) => facts.find((fact) => fact.key === key)?.value;
  const revision = Number(of("revision") ?? 0);
  if (Number.isSafeInteger(revision) && revision >= 0) {
    return { revision, change: of("change") ?? "" };
  }
  throw new StoreError("damaged", "store: facts: damaged: expected a revision");
}

async function writeMark(
  rows: Transaction<StoreSchema>,
  { revision, change }: StoreMark,
): Promise<void> {
  await rows
    .insertInto("facts")
    .values([
      { key: "revision", value: String(revision) },
      { key: "change", value: change },
    ])
    .onConflict((conflict) =>
      conflict.column("key").doUpdateSet((row) => ({ value: row.ref("excluded.value") })),
    )
    .execute();
}

async function audit(
  { rows, at }: StoreRecord,
  author: Author,
  notes: readonly AuditNote[],
): Promise<void> {
  const noted = notes.map(({ action, subject, detail }) => ({
    at,
    actor: author.name,
    action,
    subjectKind: subject.kind,
    subjectId: subject.id,
    reason: author.reason ?? null,
    requestId: author.requestId ?? null,
    detail: JSON.stringify(detail ?? {}),
  }));
  await putRows(rows, "audit", noted);
}
