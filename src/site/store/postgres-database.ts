import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, sql } from "kysely";
import pg from "pg";
import { guardClient, storeErrorOf } from "./postgres-failures.ts";
import { PostgresWriter } from "./postgres-writer.ts";
import type { StoreDatabase } from "./store-database.ts";
import { StoreError } from "./store-error.ts";
import type { StoreSchema } from "./store-schema.ts";

/** At most so many questions at a time; others wait. */
const readersMax = 4;
const connectMaxMs = 5_000;
/** What takes longer has lost its server. Of a change, one statement may have much to do. */
const readMaxMs = 15_000;
const writeMaxMs = 60_000;

/** `int8`, which counts and moments are: `pg` gives it as text, since it might not fit. */
const int8Oid = 20;

/**
 * Connects at first need: whether there is a server shows with the first question. Throws a
 * `StoreError` where `url` is none of PostgreSQL's, without saying what it is: it has a password.
 */
export function openPostgresDatabase(url: string): StoreDatabase {
  const config = configOf(url);
  const reader = new ReaderPool({ ...config, query_timeout: readMaxMs });
  const writer = new PostgresWriter({ ...config, query_timeout: writeMaxMs });
  const database = (pool: PostgresPool) => new PostgresDialect({ pool });
  const readers = new Kysely<StoreSchema>({
    dialect: new PostgresDialect({
      pool: reader,
      // Whoever would write past the audit log is told so.
      onCreateConnection: async (connection) => {
        const query = sql`set session characteristics as transaction read only`;
        await connection.executeQuery(query.compile(readers));
      },
    }),
  });
  return {
    dialect: "postgres",
    reader: readers,
    writer: new Kysely<StoreSchema>({ dialect: database(writer) }),
    close: async () => {
      await writer.end();
      await reader.end();
    },
  };
}

function configOf(url: string): pg.ClientConfig {
  const config = {
    connectionString: url,
    keepAlive: true,
    connectionTimeoutMillis: connectMaxMs,
    fallback_application_name: "postern-site",
    types: { getTypeParser: parserOf },
  };
  try {
    if (!/^postgres(ql)?:/.test(url)) throw new Error("not of PostgreSQL");
    // Reads the address, and connects to nothing yet.
    void new pg.Client(config);
    return config;
  } catch {
    // What was thrown may quote the address, password and all.
    const expected = "expected postgres://user:password@host:port/database";
    throw new StoreError("unavailable", `store: DATABASE_URL cannot be read: ${expected}`);
  }
}

const parserOf: typeof pg.types.getTypeParser = (
  oid: number,
  format?: "text" | "binary",
): ((value: string) => unknown) =>
  oid === int8Oid ? Number : (pg.types.getTypeParser(oid, format) as (value: string) => unknown);

class ReaderPool implements PostgresPool {
  readonly #pool: pg.Pool;
  readonly #guarded = new WeakMap<pg.PoolClient, PostgresPoolClient>();

  constructor(config: pg.ClientConfig) {
    this.#pool = new pg.Pool({ ...config, max: readersMax });
    // An idle connection that is lost is replaced at the next question; unheard, it would end us.
    this.#pool.on("error", () => undefined);
  }

  async connect(): Promise<PostgresPoolClient> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw storeErrorOf(error) ?? error;
    }
    const known = this.#guarded.get(client);
    if (known !== undefined) return known;
    const guarded = guardClient(client, (failed) => client.release(failed));
    this.#guarded.set(client, guarded);
    return guarded;
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}
