import { join } from "node:path";
import type { Test } from "tap";
import { SimClock } from "../../../../hal/sim/sim-clock.ts";
import { type DatabaseChoice, openSiteStore } from "../../../../src/site/store/open-site-store.ts";
import type { SiteStore } from "../../../../src/site/store/site-store.ts";
import type { UserRow } from "../../../../src/site/store/store-schema.ts";
import { temporaryFolder } from "../site-rig.ts";
import { noPostgres, type PostgresServer, startPostgres } from "./postgres-server.ts";

/** What a test over both databases is given. */
export interface StoreBench {
  readonly kind: DatabaseChoice["kind"];
  /** A store of its own, empty. */
  newDatabase(): Promise<DatabaseChoice>;
}

/** The same tests over both databases. */
export function overBothDatabases(
  t: Test,
  run: (t: Test, bench: StoreBench) => Promise<void>,
): void {
  t.test("SQLite", (t) =>
    run(t, {
      kind: "sqlite",
      newDatabase: async () => ({
        kind: "sqlite",
        file: join(temporaryFolder(t), "store.sqlite3"),
      }),
    }),
  );
  t.test("PostgreSQL", { skip: noPostgres }, async (t) => {
    const server = await startPostgres(t);
    await run(t, postgresBench(server));
  });
}

const postgresBench = (server: PostgresServer): StoreBench => ({
  kind: "postgres",
  newDatabase: async () => ({ kind: "postgres", url: await server.newDatabase() }),
});

export const storeClock = new SimClock();

export async function openStore(t: Test, database: DatabaseChoice): Promise<SiteStore> {
  const store = await openSiteStore({ database, clock: storeClock });
  t.teardown(() => store.close());
  return store;
}

export const author = { name: "test" };

export function userRow(id: string, part: Partial<UserRow> = {}): UserRow {
  return {
    id,
    uuid: `uuid-${id}`,
    origin: "api",
    name: id,
    email: null,
    phone: null,
    suspended: 0,
    traits: "[]",
    startsAt: null,
    endsAt: null,
    sought: id,
    revision: 1,
    createdAt: 1,
    ...part,
  };
}
