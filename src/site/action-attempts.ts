import { randomUUID } from "node:crypto";
import type { Clock } from "../../hal/clock.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import { succeed } from "../domain/result.ts";
import type { Notices } from "./notices.ts";
import type { SiteLog } from "./site-log.ts";
import type { Author, SiteStore, StoreRecord } from "./store/site-store.ts";
import type { ActionAttemptRow } from "./store/store-schema.ts";

/** As in Seam's API. */
export type AttemptType =
  | "SCAN_CREDENTIAL"
  | "SCAN_TO_ASSIGN_CREDENTIAL"
  | "ENCODE_CREDENTIAL"
  | "UNLOCK_DOOR";

/** How long an attempt can be asked for. */
export const attemptKeptMs = 30 * 86_400_000;
/** Between two looks for those that are older. */
const pruneEveryMs = 3_600_000;

/** Why an attempt came to nothing. `type` is a stable string, and Seam's where it has the like. */
export interface AttemptError {
  readonly type: string;
  readonly message: string;
}

export type AttemptOutcome =
  | { readonly status: "success"; readonly result: object }
  | { readonly status: "error"; readonly error: AttemptError };

export interface NewAttempt {
  readonly type: AttemptType;
  /** For the audit log: `door.unlock`, `reader.scan`. */
  readonly action: string;
  readonly subject: { readonly kind: string; readonly id: string };
  readonly detail?: object;
  /** After this it has failed, whatever becomes of it. */
  readonly forMs: number;
}

export const attemptExpired: AttemptError = {
  type: "action_attempt_expired",
  message: "The attempt was not over in time, or the site was restarted meanwhile.",
};

export interface ActionAttemptsParts {
  readonly store: SiteStore;
  readonly clock: Pick<Clock, "wall">;
  readonly log: SiteLog;
  /** Absent: nobody is told. */
  readonly notices?: Pick<Notices, "add">;
}

/** What somebody asked the hardware for, and what became of it. */
export class ActionAttempts {
  readonly #parts: ActionAttemptsParts;
  #prunedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: ActionAttemptsParts) {
    this.#parts = parts;
  }

  /** Those that a process before this one had under way are nobody's any more. */
  async open(): Promise<void> {
    await this.#parts.store.record(async (record) => {
      const { rows } = record;
      const pending = await rows
        .selectFrom("actionAttempts")
        .select(["id", "type"])
        .where("status", "=", "pending")
        .execute();
      await rows
        .updateTable("actionAttempts")
        .set({ status: "error", error: JSON.stringify(attemptExpired) })
        .where("status", "=", "pending")
        .execute();
      for (const attempt of pending) await this.#tell(record, attempt, "error");
    });
  }

  async begin(author: Author, attempt: NewAttempt): Promise<ActionAttemptRow> {
    const { type, action, subject, detail, forMs } = attempt;
    const begun = await this.#parts.store.change<ActionAttemptRow, never>(
      author,
      async ({ rows, at, note }) => {
        if (at - this.#prunedAt >= pruneEveryMs) {
          this.#prunedAt = at;
          const oldest = at - attemptKeptMs;
          await rows.deleteFrom("actionAttempts").where("createdAt", "<", oldest).execute();
        }
        const row: ActionAttemptRow = {
          id: randomUUID(),
          type,
          status: "pending",
          result: null,
          error: null,
          createdAt: at,
          expiresAt: at + forMs,
        };
        await rows.insertInto("actionAttempts").values(row).execute();
        note({ action, subject, detail: { ...detail, attempt: row.id } });
        return succeed(row);
      },
    );
    if (!begun.ok) throw new Error("an attempt was refused by nobody");
    return begun.value;
  }

  /** Once: what has ended, or expired, stays as it is. Never rejects. */
  async end(id: string, outcome: AttemptOutcome): Promise<void> {
    const { store, clock, log } = this.#parts;
    const ended =
      outcome.status === "success"
        ? { status: outcome.status, result: JSON.stringify(outcome.result) }
        : { status: outcome.status, error: JSON.stringify(outcome.error) };
    try {
      await store.record(async (record) => {
        const under = await record.rows
          .selectFrom("actionAttempts")
          .select(["id", "type"])
          .where("id", "=", id)
          .where("status", "=", "pending")
          .where("expiresAt", ">", clock.wall().at)
          .executeTakeFirst();
        if (under === undefined) return;
        await record.rows.updateTable("actionAttempts").set(ended).where("id", "=", id).execute();
        await this.#tell(record, under, outcome.status);
      });
    } catch (error) {
      // It expires: that nobody knows what became of it is then the truth.
      log.warn({ attempt: id, failure: describeFailure(error) }, "an attempt's end was not stored");
    }
  }

  /** Seam tells of the ends of those that unlock doors, and of no others that there are here. */
  async #tell(
    record: StoreRecord,
    { id, type }: Pick<ActionAttemptRow, "id" | "type">,
    status: "success" | "error",
  ): Promise<void> {
    if (type !== "UNLOCK_DOOR") return;
    const end = status === "success" ? "succeeded" : "failed";
    const notice = { type: `action_attempt.unlock_door.${end}`, attempt: id } as const;
    await this.#parts.notices?.add(record, [{ notice }]);
  }

  /** As of now; undefined where there is none, or it is too long ago. */
  async find(id: string): Promise<ActionAttemptRow | undefined> {
    const [row] = await this.list([id]);
    return row;
  }

  /** Those of these that there are, in no order. */
  async list(ids: readonly string[]): Promise<readonly ActionAttemptRow[]> {
    if (ids.length === 0) return [];
    const found = await this.#parts.store.rows
      .selectFrom("actionAttempts")
      .selectAll()
      .where("id", "in", ids)
      .execute();
    return found.map((row) => attemptAt(row, this.#parts.clock.wall().at));
  }
}

/** One that is pending for too long has failed, whether somebody wrote it down or not. */
export function attemptAt(row: ActionAttemptRow, now: number): ActionAttemptRow {
  if (row.status !== "pending" || now < row.expiresAt) return row;
  return { ...row, status: "error", error: JSON.stringify(attemptExpired) };
}
