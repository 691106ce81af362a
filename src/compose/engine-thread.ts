import type { Worker } from "node:worker_threads";
import { startThread } from "../controller/start-thread.ts";
import type { SiteId } from "../domain/ids.ts";
import type { EngineEars, SiteEngine } from "../site/site-engine.ts";
import { ThreadedEngine } from "../site/threaded-engine.ts";
import type { LogLevel } from "./config/config-file.ts";

/** What the engine's thread is started with. */
export interface EngineThreadOptions {
  readonly stateFolder: string;
  readonly site: SiteId;
  readonly brokerUrl: string;
  readonly logLevel: LogLevel;
}

export interface EngineThread {
  readonly engine: SiteEngine;
  /** Rejects when the thread ends unasked, which is a mistake of ours: nothing goes on without it. */
  readonly died: Promise<never>;
}

/**
 * Starts the site's engine, and its connection to the broker, in a thread of their own. Throws a
 * `StateError` where the site's files are not fit for use.
 */
export async function startEngineThread(
  options: EngineThreadOptions,
  ears: EngineEars,
): Promise<EngineThread> {
  const worker = startThread(new URL("./engine-worker.js", import.meta.url), options);
  const engine = new ThreadedEngine(
    {
      say: (message) => worker.postMessage(message),
      hear: (take) => void worker.on("message", take),
    },
    ears,
  );
  const died = untilDied(worker, engine);
  // Whoever opens it hears it by `opened`; nobody may be listening to the other yet.
  died.catch(() => undefined);
  await engine.opened;
  return { engine, died };
}

function untilDied(worker: Worker, engine: ThreadedEngine): Promise<never> {
  return new Promise((_, reject) => {
    const end = (why: string, cause?: unknown): void => {
      const error = new Error(`the thread of the site's engine ended: ${why}`, { cause });
      engine.ended(error);
      if (!engine.isClosing) reject(error);
    };
    worker.on("error", (error) => end(String(error), error));
    worker.on("exit", (code) => end(`exit ${code}`));
  });
}
