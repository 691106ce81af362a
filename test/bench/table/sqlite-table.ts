import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { decideBy } from "../decision/sqlite-site.ts";
import type { Decide } from "../decision/subject.ts";
import { cardOf, groupsOf, isActive, isSuspended, passName, userName } from "../decision/world.ts";
import { changeAt } from "./changes.ts";
import type { LoadedTable, LoadTable } from "./subject.ts";

export const sqliteFiles = {
  /** With a write-ahead log. */
  asked: "site.sqlite3",
  /** Without one: a database in memory cannot be made of a file that has it. */
  read: "site-to-read.sqlite3",
} as const;

/** The database is the file, and its pages are read as they are asked for. */
export const loadSqliteFile: LoadTable = async (folder, passCount) => {
  const database = new Database(join(folder, sqliteFiles.asked));
  // better-sqlite3 would leave the newest changes to the power supply; Postern's log does not.
  database.pragma("synchronous = FULL");
  return new SqliteTable(database, passCount);
};

/** The whole file is read, and asked in memory. */
export const loadSqliteMemory: LoadTable = async (folder, passCount) =>
  new SqliteTable(new Database(readFileSync(join(folder, sqliteFiles.read))), passCount);

class SqliteTable implements LoadedTable {
  readonly decide: Decide;
  readonly readyInMemory?: (count: number) => () => void;
  readonly #database: Database.Database;
  readonly #passCount: number;
  readonly #together: (count: number) => void;
  #taken = 0;
  #steps: readonly (() => void)[] = [];

  constructor(database: Database.Database, passCount: number) {
    this.#database = database;
    this.#passCount = passCount;
    this.decide = decideBy(database);
    this.#together = database.transaction((count: number) => {
      for (let next = 0; next < count; next += 1) this.#steps[this.#taken + next]?.();
    });
    if (database.memory) {
      this.readyInMemory = (count) => () => {
        for (let next = 0; next < count; next += 1) this.#take(1);
      };
    }
  }

  expect(count: number): void {
    const upsert = this.#database.prepare(
      `INSERT INTO pass VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (raw) DO UPDATE
         SET active = excluded.active, starts_at = excluded.starts_at, ends_at = excluded.ends_at`,
    );
    const gone = this.#database.prepare("DELETE FROM pass WHERE raw = ?");
    const user = this.#database.prepare("INSERT INTO user VALUES (?, ?, ?)");
    const member = this.#database.prepare("INSERT OR IGNORE INTO member VALUES (?, ?)");
    this.#steps = Array.from({ length: count }, (_, index) => {
      const change = changeAt(index, this.#passCount);
      const { kind, pass } = change;
      const raw = cardOf(pass);
      if (kind === "withdrawn") return () => gone.run(raw);
      const { startsAt, endsAt } = change;
      const row = [raw, passName(pass), pass, isActive(pass) ? 1 : 0, startsAt, endsAt];
      if (kind === "renewed") return () => upsert.run(row);
      const person = [pass, userName(pass), isSuspended(pass) ? 1 : 0];
      const groups = groupsOf(pass);
      return () => {
        user.run(person);
        for (const group of groups) member.run(pass, group);
        upsert.run(row);
      };
    });
  }

  async takeNext(count: number): Promise<void> {
    this.#take(count);
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #take(count: number): void {
    this.#together(count);
    this.#taken += count;
  }
}
