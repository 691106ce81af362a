import type { Worker } from "node:worker_threads";
import type { Clock } from "../../hal/clock.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import { HalError } from "../domain/hal-error.ts";
import { monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { Deadline } from "./deadline.ts";
import { startThread } from "./start-thread.ts";
import { tableJobBytes } from "./table-job-bytes.ts";
import {
  type RunTableJob,
  type TableJobAnswer,
  type TableJobName,
  type TableJobOrder,
  tableJobs,
} from "./table-jobs.ts";

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
 * A job that has no more than this to go through is done in the thread that moves strikes: a few
 * milliseconds of it, where another thread would cost a small board 0.3 s and 10 MB.
 */
const bytesHereMax = 64 * 1_024;

/**
 * Has jobs done, one at a time, those that would be felt at the doors each in a thread of its own. A
 * job that fails, one that hangs, one that is stopped and a thread that dies all reject the call
 * with a `HalError`.
 */
export function createTableRunner(clock: Clock, hereMax = bytesHereMax): RunTableJob {
  let gone: Promise<unknown> = Promise.resolve();
  const run = (order: TableJobOrder, stop: AbortSignal): Promise<unknown> => {
    const call = new TableJobCall({ clock, order, stop, hereMax });
    // Also where the one before hangs: two of them would write to one file.
    gone = gone.then(() => call.start());
    return call.output;
  };
  // What a job puts out comes back as it was: see `TableJobAnswer`.
  return ((name, input, stop) => run({ name, input }, stop)) as RunTableJob;
}

interface TableJobCallOptions {
  readonly clock: Clock;
  readonly order: TableJobOrder;
  readonly stop: AbortSignal;
  readonly hereMax: number;
}

class TableJobCall {
  readonly output: Promise<unknown>;
  readonly #order: TableJobOrder;
  readonly #stop: AbortSignal;
  readonly #hereMax: number;
  readonly #deadline: Deadline;
  #worker: Worker | undefined;
  #isOver = false;
  #resolve: (output: unknown) => void = () => undefined;
  #reject: (error: HalError) => void = () => undefined;

  constructor({ clock, order, stop, hereMax }: TableJobCallOptions) {
    this.#order = order;
    this.#stop = stop;
    this.#hereMax = hereMax;
    this.output = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#deadline = new Deadline(clock, () =>
      this.#giveUp(`it took longer than ${tableJobMaxMs[order.name]} ms`),
    );
    this.#deadline.set(monotonicMs(clock.monotonic() + tableJobMaxMs[order.name]));
    stop.addEventListener("abort", this.#stopped);
    if (stop.aborted) this.#stopped();
  }

  /** Resolves when whoever does it is done with it. */
  async start(): Promise<void> {
    if (this.#isOver) return;
    const bytes = await tableJobBytes(this.#order);
    if (this.#isOver) return;
    if (bytes <= this.#hereMax) await this.#doHere();
    else await this.#doInThread();
  }

  async #doHere(): Promise<void> {
    const { name, input } = this.#order;
    // Both come from one call, where the compiler has seen that they fit.
    const job = tableJobs[name] as (input: unknown) => Promise<unknown>;
    try {
      const output = await job(input);
      if (this.#end()) this.#resolve(output);
    } catch (error) {
      this.#fail(describeFailure(error));
    }
  }

  #doInThread(): Promise<void> {
    return new Promise((gone) => {
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

  readonly #stopped = (): void => this.#giveUp("it was stopped");

  #giveUp(detail: string): void {
    this.#fail(detail);
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
    this.#stop.removeEventListener("abort", this.#stopped);
    return true;
  }
}
