import { parentPort, workerData } from "node:worker_threads";
import { describeFailure } from "../domain/describe-failure.ts";
import { type TableJobAnswer, type TableJobOrder, tableJobs } from "./table-jobs.ts";

/*
 * A thread that does one job and ends: what it needed goes back to the system, where a thread that
 * waits would keep it. Whatever goes wrong is an answer, also where we are wrong: the doors have a
 * table, and this thread nothing that has to be secured.
 */

if (parentPort === null) throw new Error("the table's worker runs in a worker thread only");
const port = parentPort;
const { name, input } = workerData as TableJobOrder;

function answer(message: TableJobAnswer, moved: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, moved);
}

try {
  // Both come from `startTableJob`, where the compiler has seen that they fit.
  const job = tableJobs[name] as (input: unknown) => Promise<unknown>;
  const output = await job(input);
  answer({ kind: "done", output }, imagesIn(output));
} catch (error) {
  answer({ kind: "failed", detail: describeFailure(error) });
}

/** Handed over and not copied: the other thread shall not stand still for a million passes. */
function imagesIn(output: unknown): readonly ArrayBuffer[] {
  if (output instanceof Uint8Array) {
    return output.buffer instanceof ArrayBuffer ? [output.buffer] : [];
  }
  if (typeof output !== "object" || output === null) return [];
  return Object.values(output).flatMap(imagesIn);
}
