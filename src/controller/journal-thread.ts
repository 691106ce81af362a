import { Worker } from "node:worker_threads";
import type { JournalWorkerData } from "./journal-messages.ts";

/** Compiled, the worker is the .js beside this .js. From source it is .ts, as this module is. */
export function startJournalWorker(workerData: JournalWorkerData): Worker {
  if (!import.meta.url.endsWith(".ts")) {
    return new Worker(new URL("./journal-worker.js", import.meta.url), {
      workerData,
    });
  }
  // A thread does not inherit the loader of `node --import tsx`: it has to be put in first.
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const module = JSON.stringify(new URL("./journal-worker.ts", import.meta.url).href);
  const bootstrap = `import(${loader}).then((tsx) => { tsx.register(); return import(${module}); })`;
  return new Worker(bootstrap, { eval: true, workerData });
}
