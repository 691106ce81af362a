import { setImmediate } from "node:timers/promises";
import { HalError } from "../domain/hal-error.ts";
import { unreachable } from "../domain/unreachable.ts";
import {
  type EngineMessage,
  type EnginePort,
  type EngineQuestion,
  type EngineRequest,
  type EngineVerb,
  partRecordsMax,
} from "./engine-messages.ts";
import type { ModelChange } from "./model-change.ts";
import type { EngineEars, SiteEngine } from "./site-engine.ts";
import type { IndexChange } from "./site-index.ts";
import { StateError } from "./state-folder.ts";

/** Whoever asked and was not answered yet. */
interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

type Answer<Verb extends EngineVerb> = Awaited<ReturnType<SiteEngine[Verb]>>;

/**
 * The engine in another thread, as this one sees it: see `hostEngine`. Calls reject with a `HalError`
 * where the disk fails, and for ever once the thread has ended.
 */
export class ThreadedEngine implements SiteEngine {
  /** Resolves once it serves. Rejects with a `StateError` where the site's files are not fit for use. */
  readonly opened: Promise<void>;
  readonly #port: EnginePort<EngineRequest, EngineMessage>;
  readonly #ears: EngineEars;
  readonly #asked = new Map<number, Asked>();
  #number = 0;
  /** The change before is with the thread, whole. */
  #lastSent: Promise<void> = Promise.resolve();
  #ended: Error | undefined;
  #open: Asked = { resolve: () => undefined, reject: () => undefined };
  #closed: Promise<void> | undefined;
  #close: () => void = () => undefined;

  constructor(port: EnginePort<EngineRequest, EngineMessage>, ears: EngineEars) {
    this.#port = port;
    this.#ears = ears;
    this.opened = new Promise((resolve, reject) => {
      this.#open = { resolve: () => resolve(), reject };
    });
    port.hear((message) => this.#take(message));
  }

  /** Whether its thread is to end. */
  get isClosing(): boolean {
    return this.#closed !== undefined;
  }

  async apply(change: ModelChange): Promise<Answer<"apply">> {
    const before = this.#lastSent;
    let sent = (): void => undefined;
    this.#lastSent = new Promise((resolve) => {
      sent = resolve;
    });
    await before;
    const number = this.#nextNumber();
    const parts = partsOf(change);
    for (const part of parts) {
      this.#send({ kind: "part", number, part });
      // Others have their turn between two of them.
      await setImmediate();
    }
    const answer = this.#ask(
      "apply",
      [parts.length === 0 ? change : withoutRecords(change)],
      number,
    );
    sent();
    return await answer;
  }

  controllers(): Promise<Answer<"controllers">> {
    return this.#ask("controllers", []);
  }

  update(...words: Parameters<SiteEngine["update"]>): Promise<void> {
    return this.#ask("update", words);
  }

  syncOf(...words: Parameters<SiteEngine["syncOf"]>): Promise<Answer<"syncOf">> {
    return this.#ask("syncOf", words);
  }

  explain(...words: Parameters<SiteEngine["explain"]>): Promise<Answer<"explain">> {
    return this.#ask("explain", words);
  }

  events(...words: Parameters<SiteEngine["events"]>): Promise<Answer<"events">> {
    return this.#ask("events", words);
  }

  command(...words: Parameters<SiteEngine["command"]>): Promise<Answer<"command">> {
    return this.#ask("command", words);
  }

  rotateKey(): Promise<number> {
    return this.#ask("rotateKey", []);
  }

  /** Resolves when the engine has let go of everything, or its thread is gone. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#close = resolve;
      if (this.#ended === undefined) this.#send({ kind: "close" });
      else resolve();
    });
    return this.#closed;
  }

  /** The thread is gone: nothing is answered any more. */
  ended(why: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#open.reject(why);
    for (const { reject } of this.#asked.values()) reject(why);
    this.#asked.clear();
    this.#close();
  }

  #nextNumber(): number {
    this.#number += 1;
    return this.#number;
  }

  #ask<Verb extends EngineVerb>(
    verb: Verb,
    words: Parameters<SiteEngine[Verb]>,
    number = this.#nextNumber(),
  ): Promise<Answer<Verb>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      // What comes back under this number is what the method of this name resolved with.
      this.#asked.set(number, { resolve: (value) => resolve(value as Answer<Verb>), reject });
      this.#send({ kind: "ask", number, question: { verb, words } as EngineQuestion });
    });
  }

  #send(request: EngineRequest): void {
    this.#port.say(request);
  }

  #take(message: EngineMessage): void {
    switch (message.kind) {
      case "opened":
        return this.#open.resolve(undefined);
      case "not_opened": {
        const { failure, file, detail } = message;
        return this.#open.reject(new StateError(failure, file, detail));
      }
      case "answer":
        return this.#answered(message.number)?.resolve(message.value);
      case "failed":
        return this.#answered(message.number)?.reject(new HalError("io", message.detail));
      case "stored":
        return this.#ears.events(message.events);
      case "changed":
        return message.controllers.forEach((one) => {
          this.#ears.controllerChanged(one);
        });
      case "closed":
        return this.ended(new HalError("io", "the site's engine is closed"));
      default:
        return unreachable(message);
    }
  }

  #answered(number: number): Asked | undefined {
    const asked = this.#asked.get(number);
    this.#asked.delete(number);
    return asked;
  }
}

/** Of a change that is too large to be copied in one go; none of one that is not. */
function partsOf({ users, passes, rules, members }: ModelChange): readonly Partial<IndexChange>[] {
  const count = users.length + passes.length + rules.length + members.length;
  if (count <= partRecordsMax) return [];
  return [
    ...pieces(users).map((piece) => ({ users: piece })),
    ...pieces(passes).map((piece) => ({ passes: piece })),
    ...pieces(rules).map((piece) => ({ rules: piece })),
    ...pieces(members).map((piece) => ({ members: piece })),
  ];
}

const withoutRecords = (change: ModelChange): ModelChange => ({
  ...change,
  users: [],
  passes: [],
  rules: [],
  members: [],
});

function pieces<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const found: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += partRecordsMax) {
    found.push(items.slice(at, at + partRecordsMax));
  }
  return found;
}
