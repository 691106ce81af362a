import type { Worker } from "node:worker_threads";
import type { JournalWorkerData } from "./journal-messages.ts";
import { startThread } from "./start-thread.ts";

export function startJournalWorker(workerData: JournalWorkerData): Worker {
  return startThread(new URL("./journal-worker.js", import.meta.url), workerData);
}
