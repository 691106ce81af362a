import { createHash } from "node:crypto";
import process from "node:process";
import pg from "pg";
import type { DatabaseChoice } from "../../../../src/site/store/open-site-store.ts";

/** The folder of a server's socket, for tests that are run over PostgreSQL once more. */
export const serverVariable = "POSTERN_TEST_POSTGRES";

/** For a file of SQLite; where a server is named, a database of its own there, the same each time. */
export async function testDatabase(file: string): Promise<DatabaseChoice> {
  const folder = process.env[serverVariable];
  if (folder === undefined) return { kind: "sqlite", file };
  const name = `test_${createHash("sha256").update(file).digest("hex").slice(0, 24)}`;
  const client = new pg.Client({ host: folder, user: "postern", database: "postgres" });
  await client.connect();
  try {
    const known = await client.query("select 1 from pg_database where datname = $1", [name]);
    if (known.rows.length === 0) await client.query(`create database ${name}`);
  } finally {
    await client.end();
  }
  const host = encodeURIComponent(folder);
  return { kind: "postgres", url: `postgres://postern@localhost/${name}?host=${host}` };
}
