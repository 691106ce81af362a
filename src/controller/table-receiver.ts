import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../hal/clock.ts";
import type { TableContent, TableVersion } from "../domain/access.ts";
import type { DoorEvent } from "../domain/event.ts";
import type { HalError } from "../domain/hal-error.ts";
import { monotonicMs } from "../domain/time.ts";
import type { Provision } from "../protocols/sync/provision.ts";
import type { TableAck } from "../protocols/sync/table-ack-message.ts";
import { isNewer, openTable } from "../protocols/sync/table-message.ts";
import { Deadline } from "./deadline.ts";
import type { TroubleReporter } from "./journal.ts";
import { RateLimit } from "./rate-limit.ts";
import { TableRefusals } from "./table-refusals.ts";
import type { TableStore } from "./table-store.ts";

/** A table from the site is good and cannot be written to disk; the one before is in force. */
export const tableNotStored = "table_not_stored";

const storeRetryMinMs = 1_000;
const storeRetryMaxMs = 5 * 60_000;
/** Answers to what arrives on the table topic, where anybody may publish. */
const answersMax = 60;
const answersWindowMs = 60_000;

export interface TableReceiverOptions {
  readonly provision: Provision;
  readonly store: TableStore;
  readonly clock: Clock;
  readonly troubles: TroubleReporter;
  readonly record: (event: DoorEvent) => void;
  /** The table is durable: put it in force now. Called between two decisions. */
  readonly onTable: (content: TableContent) => void;
  readonly answer: (ack: TableAck) => void;
  /** The site has sent its table, new or known. */
  readonly onSiteSeen: () => void;
}

interface Candidate {
  readonly message: Uint8Array;
  readonly content: TableContent;
  readonly fingerprint: string;
}

/**
 * Takes tables from the broker: opened, then judged to be newer, then durable, then in force. A table
 * that fails at any step changes nothing. Of several that arrive while one is being written, the
 * newest is next.
 */
export class TableReceiver {
  readonly #options: TableReceiverOptions;
  readonly #refusals: TableRefusals;
  readonly #answers: RateLimit;
  readonly #retry: Deadline;
  /** The message of the table in force, once it was seen: repeated, it need not be opened. */
  #inForce: string | undefined;
  #next: Candidate | undefined;
  #isStoring = false;
  #stored: Promise<void> = Promise.resolve();
  #retryMs = storeRetryMinMs;
  #isClosed = false;

  constructor(options: TableReceiverOptions) {
    const { clock, record } = options;
    this.#options = options;
    this.#refusals = new TableRefusals(clock, record);
    this.#answers = new RateLimit(clock, { countMax: answersMax, windowMs: answersWindowMs });
    this.#retry = new Deadline(clock, () => this.#storeNext());
  }

  /** A message on the table topic: from anybody. */
  take(message: Uint8Array): void {
    if (this.#isClosed) return;
    const fingerprint = createHash("sha256").update(message).digest("base64");
    if (fingerprint === this.#inForce) return this.#known();
    const opened = openTable({ message, provision: this.#options.provision });
    if (!opened.ok) return this.#refuse(fingerprint, opened.fault);
    this.#judge({ message, content: opened.value, fingerprint });
  }

  /** Lets a write under way end; nothing is put in force afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry.set(undefined);
    this.#refusals.close();
    await this.#stored;
  }

  #judge(candidate: Candidate): void {
    const { content, fingerprint } = candidate;
    const { store } = this.#options;
    const current = store.current();
    const newest = this.#next?.content.table ?? store.newestAccepted();
    if (current !== undefined && isSame(content.table, current.table)) {
      if (!isDeepStrictEqual(content, current)) {
        const detail = `another table ${describe(current.table)} is in force`;
        return this.#refuse(fingerprint, { reason: "older", detail });
      }
      this.#inForce = fingerprint;
      return this.#known();
    }
    if (newest !== undefined && isNewer(newest, content.table)) {
      const detail = `table ${describe(content.table)}, and ${describe(newest)} is known`;
      return this.#refuse(fingerprint, { reason: "older", detail });
    }
    if (this.#next !== undefined && isSame(content.table, this.#next.content.table)) return;
    this.#next = candidate;
    this.#options.onSiteSeen();
    this.#storeNext();
  }

  #known(): void {
    this.#complete();
    this.#options.onSiteSeen();
  }

  #storeNext(): void {
    this.#retry.set(undefined);
    if (this.#isStoring) return;
    this.#isStoring = true;
    // It rejects for mistakes of ours only, and those end the process.
    this.#stored = this.#storeAll();
  }

  async #storeAll(): Promise<void> {
    try {
      for (let next = this.#next; next !== undefined && !this.#isClosed; next = this.#next) {
        const stored = await this.#options.store.save(next);
        if (this.#isClosed) return;
        if (!stored.ok) return this.#notStored(next, stored.fault);
        if (this.#next === next) this.#next = undefined;
        this.#apply(next);
      }
    } finally {
      this.#isStoring = false;
    }
  }

  #apply({ content, fingerprint }: Candidate): void {
    const { onTable, record, troubles } = this.#options;
    this.#retryMs = storeRetryMinMs;
    this.#inForce = fingerprint;
    onTable(content);
    record({ kind: "table_applied", applied: content.table });
    troubles.clear(tableNotStored);
    this.#complete();
  }

  #notStored({ content, fingerprint }: Candidate, fault: HalError): void {
    const { clock, troubles } = this.#options;
    troubles.raise(tableNotStored);
    const detail = `table ${describe(content.table)}: ${fault.message}`;
    this.#refuse(`not stored ${fingerprint}`, { reason: "not_stored", detail });
    this.#retry.set(monotonicMs(clock.monotonic() + this.#retryMs));
    this.#retryMs = Math.min(this.#retryMs * 2, storeRetryMaxMs);
  }

  #complete(): void {
    const table = this.#options.store.current()?.table;
    if (table !== undefined) this.#answer({ outcome: "complete", table });
  }

  #refuse(
    fingerprint: string,
    refusal: { readonly reason: string; readonly detail: string },
  ): void {
    this.#refusals.note(fingerprint, refusal);
    const table = this.#options.store.current()?.table;
    this.#answer({ outcome: "refused", ...refusal, ...(table !== undefined && { table }) });
  }

  #answer(ack: TableAck): void {
    if (this.#answers.take()) this.#options.answer(ack);
  }
}

function isSame(a: TableVersion, b: TableVersion): boolean {
  return a.epoch === b.epoch && a.version === b.version;
}

function describe({ epoch, version }: TableVersion): string {
  return `${epoch}.${version}`;
}
