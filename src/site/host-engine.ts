import Database from "better-sqlite3";
import { describeFailure } from "../domain/describe-failure.ts";
import type { ControllerId } from "../domain/ids.ts";
import { unreachable } from "../domain/unreachable.ts";
import type {
  EngineMessage,
  EnginePort,
  EngineQuestion,
  EngineRequest,
} from "./engine-messages.ts";
import type { ModelChange } from "./model-change.ts";
import type { EngineEars, SiteEngine } from "./site-engine.ts";
import type { IndexChange } from "./site-index.ts";
import { StateError } from "./state-folder.ts";

export interface EngineHostOptions {
  /** To whoever asks. */
  readonly port: EnginePort<EngineMessage, EngineRequest>;
  readonly open: (ears: EngineEars) => Promise<SiteEngine>;
  /** The last thing that is done: the engine is closed by then. */
  readonly closed: () => Promise<void>;
}

/**
 * Has an engine answer whoever is at the other end of a port, each question once. A disk that fails is
 * an answer. Anything else that goes wrong is a mistake of ours, and rejects: the thread ends, and the
 * process with it.
 */
export function hostEngine(options: EngineHostOptions): Promise<void> {
  return new EngineHost(options).run();
}

class EngineHost {
  readonly #options: EngineHostOptions;
  readonly #parts = new Map<number, Partial<IndexChange>[]>();
  #changed = new Set<ControllerId>();
  #fail: (error: unknown) => void = () => undefined;
  #end: () => void = () => undefined;

  constructor(options: EngineHostOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { port, open, closed } = this.#options;
    const ended = new Promise<void>((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    // Asked for before it is open: what comes meanwhile waits for it.
    const opening = open({
      events: (events) => this.#say({ kind: "stored", events }),
      controllerChanged: (controller) => this.#noteChanged(controller),
    });
    port.hear((request) => {
      void opening.then((engine) => this.#take(engine, request)).catch(this.#fail);
    });
    try {
      await opening;
      this.#say({ kind: "opened" });
      await ended;
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      const { kind: failure, file, message } = error;
      // It names its file in front.
      this.#say({ kind: "not_opened", failure, file, detail: message.slice(file.length + 2) });
    }
    await closed();
    this.#say({ kind: "closed" });
  }

  async #take(engine: SiteEngine, request: EngineRequest): Promise<void> {
    switch (request.kind) {
      case "part": {
        const parts = this.#parts.get(request.number);
        if (parts === undefined) this.#parts.set(request.number, [request.part]);
        else parts.push(request.part);
        return;
      }
      case "ask":
        return await this.#answer(engine, request);
      case "close":
        await engine.close();
        this.#end();
        return;
      default:
        return unreachable(request);
    }
  }

  async #answer(
    engine: SiteEngine,
    { number, question }: Extract<EngineRequest, { readonly kind: "ask" }>,
  ): Promise<void> {
    const parts = this.#parts.get(number) ?? [];
    this.#parts.delete(number);
    try {
      const value = await askEngine(engine, question, parts);
      this.#say({ kind: "answer", number, value });
    } catch (error) {
      const isDisk = error instanceof Database.SqliteError || error instanceof StateError;
      if (!isDisk) throw error;
      this.#say({ kind: "failed", number, detail: describeFailure(error) });
    }
  }

  /** Of many that change in one turn it is said together. */
  #noteChanged(controller: ControllerId): void {
    if (this.#changed.size === 0) {
      queueMicrotask(() => {
        const controllers = [...this.#changed];
        this.#changed = new Set();
        this.#say({ kind: "changed", controllers });
      });
    }
    this.#changed.add(controller);
  }

  #say(message: EngineMessage): void {
    this.#options.port.say(message);
  }
}

function askEngine(
  engine: SiteEngine,
  question: EngineQuestion,
  parts: readonly Partial<IndexChange>[],
): Promise<unknown> {
  switch (question.verb) {
    case "apply": {
      const [change] = question.words;
      return engine.apply(parts.length === 0 ? change : joined(change, parts));
    }
    case "controllers":
      return engine.controllers();
    case "update":
      return engine.update(...question.words);
    case "syncOf":
      return engine.syncOf(...question.words);
    case "explain":
      return engine.explain(...question.words);
    case "events":
      return engine.events(...question.words);
    case "command":
      return engine.command(...question.words);
    case "rotateKey":
      return engine.rotateKey();
    default:
      return unreachable(question);
  }
}

function joined(last: ModelChange, parts: readonly Partial<IndexChange>[]): ModelChange {
  return {
    ...last,
    users: parts.flatMap(({ users = [] }) => users),
    passes: parts.flatMap(({ passes = [] }) => passes),
    rules: parts.flatMap(({ rules = [] }) => rules),
    members: parts.flatMap(({ members = [] }) => members),
  };
}
