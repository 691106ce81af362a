import type { PostgresPoolClient, PostgresQueryResult } from "kysely";
import pg from "pg";
import { failureCode } from "../../domain/failure-code.ts";
import { StoreError } from "./store-error.ts";

/**
 * Undefined where the server is well, and what was asked of it is wrong. What `pg` says of its
 * failures holds no password.
 */
export function storeErrorOf(error: unknown): StoreError | undefined {
  if (error instanceof StoreError) return error;
  if (!(error instanceof pg.DatabaseError)) {
    // Everything else that `pg` throws is of the connection: refused, cut, too slow.
    const why = error instanceof Error ? `${failureCode(error)}` : "unknown failure";
    const message = `store: the PostgreSQL server cannot be used: ${why}`;
    return new StoreError("unavailable", message, { cause: error });
  }
  const { code = "", message } = error;
  const told = `store: the PostgreSQL server says: ${code} ${message}`;
  if (code.startsWith("XX00") && code !== "XX000") {
    return new StoreError("damaged", told, { cause: error });
  }
  if (!isOfServer(code)) return undefined;
  return new StoreError("unavailable", told, { cause: error });
}

/** Classes of SQLSTATE: see PostgreSQL's Appendix A. */
function isOfServer(code: string): boolean {
  // Connection, authorisation, no such database, resources, operator's intervention, its disk.
  const classes = ["08", "28", "3D", "53", "57", "58"];
  // A stand-by that is not the primary yet.
  return classes.some((start) => code.startsWith(start)) || code === "25006";
}

/** `release` is told whether the connection is fit for further use. */
export function guardClient(
  client: pg.ClientBase,
  release: (isLost: boolean) => void,
): PostgresPoolClient {
  let isLost = false;
  return {
    async query<Row>(text: unknown, parameters?: readonly unknown[]) {
      if (typeof text !== "string") throw new Error("cursors are not in use");
      // There is nothing to roll back any more, and what went before has said why.
      if (text === "rollback" && isLost) return emptied;
      try {
        const result = await client.query(text, [...(parameters ?? [])]);
        // What the server makes of a commit after a statement failed; it must not pass for one.
        if (text === "commit" && result.command !== "COMMIT") {
          throw new Error("a statement of this transaction had failed, and it was rolled back");
        }
        return result as PostgresQueryResult<Row>;
      } catch (error) {
        const failure = storeErrorOf(error);
        if (failure === undefined) throw error;
        isLost = true;
        if (text === "rollback") return emptied;
        throw failure;
      }
    },
    release() {
      const wasLost = isLost;
      isLost = false;
      release(wasLost);
    },
  } as PostgresPoolClient;
}

export const emptied = { command: "SELECT", rowCount: 0, rows: [] } as const;
