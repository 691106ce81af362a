import type { PostgresPool, PostgresPoolClient } from "kysely";
import pg from "pg";
import { emptied, guardClient, storeErrorOf } from "./postgres-failures.ts";
import { StoreError } from "./store-error.ts";

/** Of the schema that the tables are in: two sites may have one database, in a schema each. */
const lockKeys = "hashtext('postern site store'), hashtext(current_schema())";

interface WriterConnection {
  readonly client: pg.Client;
  readonly guarded: PostgresPoolClient;
  readonly backend: number;
}

/**
 * The one connection that writes. It holds the server's advisory lock for as long as it lives, so
 * that whoever has lost the lock has lost the means to write, too. One that was lost is replaced when
 * the next transaction begins.
 */
export class PostgresWriter implements PostgresPool {
  readonly #config: pg.ClientConfig;
  readonly #client: PostgresPoolClient;
  #connection: WriterConnection | undefined;
  /** Of the connection before, which the server may take for living when it is not any more. */
  #lostBackend: number | undefined;

  constructor(config: pg.ClientConfig) {
    this.#config = config;
    this.#client = {
      query: (text: unknown, parameters: readonly unknown[] = []) =>
        text === "begin" ? this.#begin() : this.#query(String(text), parameters),
      release: () => this.#connection?.guarded.release(),
    } as PostgresPoolClient;
  }

  async connect(): Promise<PostgresPoolClient> {
    return this.#client;
  }

  async end(): Promise<void> {
    const { client } = this.#connection ?? {};
    this.#connection = undefined;
    await client?.end();
  }

  async #begin(): Promise<unknown> {
    const present = this.#connection;
    if (present !== undefined) {
      try {
        return await present.guarded.query("begin", []);
      } catch (error) {
        // Lost while nobody used it; nothing was done yet that could be lost with it.
        if (!(error instanceof StoreError)) throw error;
        present.guarded.release();
      }
    }
    this.#connection = await this.#open();
    return await this.#connection.guarded.query("begin", []);
  }

  async #query(text: string, parameters: readonly unknown[]): Promise<unknown> {
    const connection = this.#connection;
    if (connection !== undefined) return await connection.guarded.query(text, parameters);
    // Its server has rolled it back.
    if (text === "rollback") return emptied;
    throw new StoreError("unavailable", "store: the connection to the PostgreSQL server was lost");
  }

  async #open(): Promise<WriterConnection> {
    const client = new pg.Client(this.#config);
    const lose = () => {
      if (this.#connection?.client !== client) return;
      this.#lostBackend = this.#connection.backend;
      this.#connection = undefined;
    };
    // Unheard, a connection that is lost while it is idle would end the process.
    client.on("error", lose);
    client.on("end", lose);
    try {
      await client.connect();
      const backend = await this.#lock(client);
      const guarded = guardClient(client, (isLost) => {
        if (!isLost) return;
        lose();
        drop(client);
      });
      return { client, guarded, backend };
    } catch (error) {
      drop(client);
      throw storeErrorOf(error) ?? error;
    }
  }

  async #lock(client: pg.Client): Promise<number> {
    if (this.#lostBackend !== undefined) await endBackend(client, this.#lostBackend);
    const result = await client.query<{ isOurs: boolean; backend: number }>(
      `select pg_try_advisory_lock(${lockKeys}) as "isOurs", pg_backend_pid() as "backend"`,
    );
    const [row] = result.rows;
    if (row?.isOurs === true) return row.backend;
    throw new StoreError("in_use", "store: another site service has this PostgreSQL store open");
  }
}

/** Ours of before, if it still holds the lock: cut off, it would do so until the server noticed. */
async function endBackend(client: pg.Client, backend: number): Promise<void> {
  const query = `
    select pg_terminate_backend(pid, 1000) from pg_locks
    where locktype = 'advisory' and granted and pid = $1
      and database = (select oid from pg_database where datname = current_database())
      and classid::bigint = hashtext('postern site store')::bigint & 4294967295
      and objid::bigint = hashtext(current_schema())::bigint & 4294967295`;
  await client.query(query, [backend]);
}

/** Without waiting for a goodbye, which may never come. */
function drop(client: pg.Client): void {
  client.end().catch(() => undefined);
}
