import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { isPartReady, type PartReady } from "./part-messages.ts";
import { StartRefused } from "./start-refused.ts";

export interface Part {
  readonly name: string;
  readonly args: readonly string[];
  /** Of node. */
  readonly flags?: readonly string[];
}

export interface SupervisorOptions {
  /** The compiled program that every part is a verb of. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onStarted: (part: Part, pid: number) => void;
  /** It did not stop by itself in time. */
  readonly onKilled: (part: Part) => void;
  readonly onEnded: (part: Part, how: string, restartInMs: number) => void;
}

/** A part that was ready is restarted at once; one that fails before, after twice as long each time. */
const restartMinMs = 100;
const restartMaxMs = 5_000;
/** How long a part may take to secure its outputs and write its journal before it is killed. */
const stopMaxMs = 5_000;

/**
 * Of the controller. Short-lived objects in 1 MB and not in 16 or more: it costs no time there and saves
 * some 6 MB. One thread beside ours that collects garbage: each keeps a heap of its own.
 */
export const smallHeap = ["--max-semi-space-size=1", "--v8-pool-size=1"];

/** Keeps one part running: start, restart with back-off, stop. */
export class SupervisedPart {
  readonly #part: Part;
  readonly #options: SupervisorOptions;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #restartMs = restartMinMs;
  #hasBeenReady = false;
  #stopping = false;
  /** Of `start`: with nothing where it ended instead. */
  #started: (first: PartReady["ready"] | undefined) => void = () => undefined;

  constructor(part: Part, options: SupervisorOptions) {
    this.#part = part;
    this.#options = options;
  }

  /**
   * Resolves with what the part said when it was ready. Throws `StartRefused` when it ends before its
   * first ready: it has said why on its own standard error.
   */
  async start(): Promise<PartReady["ready"]> {
    const started = new Promise<PartReady["ready"] | undefined>((resolve) => {
      this.#started = resolve;
    });
    this.#spawn();
    const first = await started;
    if (first === undefined) throw new StartRefused(`${this.#part.name} did not start`);
    return first;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const kill = setTimeout(() => {
      this.#options.onKilled(this.#part);
      child.kill("SIGKILL");
    }, stopMaxMs);
    await ended;
    clearTimeout(kill);
  }

  #spawn(): void {
    const child = fork(this.#options.program, [...this.#part.args], {
      execArgv: [...(this.#part.flags ?? [])],
      env: this.#options.env,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    child.on("message", (message: unknown) => {
      if (isPartReady(message)) this.#ready(message.ready);
    });
    child.once("exit", (code, signal) => this.#ended(code, signal));
    if (child.pid !== undefined) this.#options.onStarted(this.#part, child.pid);
  }

  #ready(where: PartReady["ready"]): void {
    this.#hasBeenReady = true;
    this.#restartMs = restartMinMs;
    this.#started(where);
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (!this.#hasBeenReady) return this.#started(undefined);
    if (this.#stopping) return;
    const how = signal === null ? `exit code ${code}` : signal;
    this.#options.onEnded(this.#part, how, this.#restartMs);
    this.#restart = setTimeout(() => this.#spawn(), this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, restartMaxMs);
  }
}
