import type { Alarm, Clock } from "../../hal/clock.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import { type Result, succeed } from "../domain/result.ts";
import { monotonicMs } from "../domain/time.ts";
import type { Issuer, IssuingChange } from "./issuer.ts";
import type { Notice } from "./notice.ts";
import type { Notices } from "./notices.ts";
import { readTouched, readWhole } from "./read-model.ts";
import type { SiteEngine } from "./site-engine.ts";
import type { SiteLog } from "./site-log.ts";
import type { Author, SiteStore, StoreRecord } from "./store/site-store.ts";
import type { TableFault } from "./table-plan.ts";
import type { AppliedTable } from "./table-publisher.ts";
import { TouchedRows } from "./touched-rows.ts";

export interface IssuerOptions {
  readonly store: SiteStore;
  readonly engine: SiteEngine;
  readonly clock: Clock;
  readonly log: SiteLog;
  /** Absent: nobody listens. */
  readonly notices?: Pick<Notices, "add">;
}

/** What was changed, and the tables that came of it; none where no table says anything of it. */
export interface Issued<Value> {
  readonly value: Value;
  readonly tables: readonly AppliedTable[];
}

export interface OpenIssuer extends Issuer {
  /**
   * Tells the engine all that the store holds: at the start, before any change. Nothing is told of a
   * store in which nothing was ever changed: the doors go on by what they have until the first
   * change. With a fault the tables stay as they are, until a change mends it.
   */
  begin(): Promise<Result<readonly AppliedTable[], TableFault>>;
  /** As `change`, and says which tables came of it. */
  issue<Value, Fault>(
    author: Author,
    make: (change: IssuingChange) => Promise<Result<Value, Fault>>,
  ): Promise<Result<Issued<Value>, Fault | TableFault>>;
  /** The store and the engine are whoever's that opened them. */
  close(): void;
}

export function openIssuer(options: IssuerOptions): OpenIssuer {
  return new StoreIssuer(options);
}

/** After a commit that failed, until the engine has been told what the store holds all the same. */
const mendAgainMsFirst = 1_000;
const mendAgainMsMost = 30_000;

class StoreIssuer implements OpenIssuer {
  readonly store: SiteStore;
  readonly engine: SiteEngine;
  readonly #clock: Clock;
  readonly #log: SiteLog;
  readonly #notices: IssuerOptions["notices"];
  /** What the engine may have otherwise than the store. */
  readonly #doubted = new TouchedRows();
  #again: Alarm | undefined;
  #againMs = mendAgainMsFirst;
  #isClosed = false;

  constructor({ store, engine, clock, log, notices }: IssuerOptions) {
    this.store = store;
    this.#notices = notices;
    this.engine = engine;
    this.#clock = clock;
    this.#log = log;
  }

  begin(): Promise<Result<readonly AppliedTable[], TableFault>> {
    return this.store.record(async ({ rows }) => {
      const revision = await this.store.revision();
      if (revision === 0) return succeed([]);
      return await this.engine.apply(await readWhole(rows, revision));
    });
  }

  async change<Value, Fault>(
    author: Author,
    make: (change: IssuingChange) => Promise<Result<Value, Fault>>,
  ): Promise<Result<Value, Fault | TableFault>> {
    const issued = await this.issue(author, make);
    return issued.ok ? succeed(issued.value.value) : issued;
  }

  async issue<Value, Fault>(
    author: Author,
    make: (change: IssuingChange) => Promise<Result<Value, Fault>>,
  ): Promise<Result<Issued<Value>, Fault | TableFault>> {
    const touch = new TouchedRows();
    let isTold = false;
    try {
      return await this.store.change<Issued<Value>, Fault | TableFault>(author, async (change) => {
        await this.#mend(change, change.revision);
        const told: Notice[] = [];
        const tell = (...notices: readonly Notice[]) => void told.push(...notices);
        const made = await make({ ...change, touch, tell });
        if (!made.ok) return made;
        await this.#notices?.add(
          change,
          told.map((notice) => ({ notice })),
        );
        const { value } = made;
        if (touch.isEmpty) return succeed({ value, tables: [] });
        const said = await readTouched(change.rows, touch, change.revision);
        isTold = true;
        const applied = await this.engine.apply(said);
        if (applied.ok) return succeed({ value, tables: applied.value });
        isTold = false;
        return applied;
      });
    } catch (error) {
      if (isTold) this.#doubt(touch, error);
      throw error;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#again?.cancel();
  }

  #doubt(touched: TouchedRows, error: unknown): void {
    this.#doubted.add(touched);
    this.#log.warn(
      { failure: describeFailure(error) },
      "a change was brought to the doors that the site's store did not keep; it is being taken back",
    );
    this.#mendLater(0);
  }

  /** Tells the engine what the store holds of all that is doubted: within a transaction of it. */
  async #mend({ rows }: Pick<StoreRecord, "rows">, revision: number): Promise<void> {
    if (this.#doubted.isEmpty) return;
    const applied = await this.engine.apply(await readTouched(rows, this.#doubted, revision));
    if (!applied.ok) {
      const { controller, detail } = applied.fault;
      throw new Error(`the doors cannot be brought back: ${controller}: ${detail}`);
    }
    this.#doubted.clear();
    this.#again?.cancel();
    this.#againMs = mendAgainMsFirst;
    this.#log.info({}, "the doors go by what the site's store holds again");
  }

  #mendLater(afterMs: number): void {
    this.#again?.cancel();
    if (this.#isClosed) return;
    const at = monotonicMs(this.#clock.monotonic() + afterMs);
    this.#again = this.#clock.alarm(at, () => {
      this.#mendNow().catch((error: unknown) => {
        const failure = describeFailure(error);
        this.#log.warn({ failure }, "a change is still at the doors that the store did not keep");
        this.#mendLater(this.#againMs);
        this.#againMs = Math.min(this.#againMs * 2, mendAgainMsMost);
      });
    });
  }

  async #mendNow(): Promise<void> {
    await this.store.record(async (record) => {
      await this.#mend(record, await this.store.revision());
    });
  }
}
