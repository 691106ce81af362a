import type { Worker } from "node:worker_threads";
import type { Clock } from "../../hal/clock.ts";
import { HalError } from "../domain/hal-error.ts";
import { monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { Deadline } from "./deadline.ts";
import { startThread } from "./start-thread.ts";
import { describeFailure } from "./table-files.ts";
import type { RunTableJob, TableJobAnswer, TableJobName, TableJobOrder } from "./table-jobs.ts";

/**
 * How long a job may take: many times what the largest image needs on the slowest board and card.
 * While the table is loaded, nobody is let in.
 */
export const tableJobMaxMs: Readonly<Record<TableJobName, number>> = {
  loadTable: 60_000,
  foldImage: 5 * 60_000,
  surveyPart: 60_000,
  verifyPart: 5 * 60_000,
};

/**
 * Has each job done in a thread of its own, one at a time. A job that fails, a thread that dies and
 * one that hangs all reject the call with a `HalError`.
 */
export function createTableThread(clock: Clock): RunTableJob {
  let gone: Promise<unknown> = Promise.resolve();
  const run = (order: TableJobOrder): Promise<unknown> => {
    const call = new TableJobCall(clock, order);
    // Also where the one before hangs: two of them would write to one file.
    gone = gone.then(() => call.start());
    return call.output;
  };
  // What a job puts out comes back as it was: see `TableJobAnswer`.
  return ((name, input) => run({ name, input })) as RunTableJob;
}

class TableJobCall {
  readonly output: Promise<unknown>;
  readonly #order: TableJobOrder;
  readonly #deadline: Deadline;
  #worker: Worker | undefined;
  #isOver = false;
  #resolve: (output: unknown) => void = () => undefined;
  #reject: (error: HalError) => void = () => undefined;

  constructor(clock: Clock, order: TableJobOrder) {
    this.#order = order;
    this.output = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#deadline = new Deadline(clock, () => this.#hangs());
    this.#deadline.set(monotonicMs(clock.monotonic() + tableJobMaxMs[order.name]));
  }

  /** Resolves when the thread is gone. */
  start(): Promise<void> {
    return new Promise((gone) => {
      if (this.#isOver) return gone();
      try {
        this.#worker = startThread(new URL("./table-worker.js", import.meta.url), this.#order);
      } catch (error) {
        this.#fail(describeFailure(error));
        return gone();
      }
      this.#worker.once("message", (answer: TableJobAnswer) => this.#take(answer));
      this.#worker.once("error", (error) => this.#fail(describeFailure(error)));
      this.#worker.once("exit", () => {
        this.#fail("its thread ended");
        gone();
      });
    });
  }

  #take(answer: TableJobAnswer): void {
    switch (answer.kind) {
      case "done":
        if (this.#end()) this.#resolve(answer.output);
        return;
      case "failed":
        return this.#fail(answer.detail);
      default:
        return unreachable(answer);
    }
  }

  #hangs(): void {
    this.#fail(`it took longer than ${tableJobMaxMs[this.#order.name]} ms`);
    // Where even this takes long, the next call waits for it.
    this.#worker?.terminate().catch(() => undefined);
  }

  #fail(detail: string): void {
    if (this.#end()) this.#reject(new HalError("io", detail));
  }

  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#deadline.set(undefined);
    return true;
  }
}
