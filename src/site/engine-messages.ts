import type { ControllerId } from "../domain/ids.ts";
import type { StoredEvent } from "./event-row.ts";
import type { SiteEngine } from "./site-engine.ts";
import type { IndexChange } from "./site-index.ts";
import type { StateFailure } from "./state-folder.ts";

/** What an engine in another thread is asked; `close` is a message of its own. */
export type EngineVerb = Exclude<keyof SiteEngine, "close">;

/** A method of the engine, and what it is called with. */
export type EngineQuestion = {
  readonly [Verb in EngineVerb]: {
    readonly verb: Verb;
    readonly words: Parameters<SiteEngine[Verb]>;
  };
}[EngineVerb];

/** To the engine's thread, which takes them in order. */
export type EngineRequest =
  /** Of the change of this question, ahead of it: nobody copies a large one in one go. */
  | { readonly kind: "part"; readonly number: number; readonly part: Partial<IndexChange> }
  | { readonly kind: "ask"; readonly number: number; readonly question: EngineQuestion }
  | { readonly kind: "close" };

/** From the engine's thread. */
export type EngineMessage =
  | { readonly kind: "opened" }
  /** The site's files are not fit for use, as a `StateError` says it. */
  | {
      readonly kind: "not_opened";
      readonly failure: StateFailure;
      readonly file: string;
      readonly detail: string;
    }
  /** `value`: what the question's method resolved with. */
  | { readonly kind: "answer"; readonly number: number; readonly value: unknown }
  /** The disk failed, and nothing was changed. */
  | { readonly kind: "failed"; readonly number: number; readonly detail: string }
  | { readonly kind: "stored"; readonly events: readonly StoredEvent[] }
  | { readonly kind: "changed"; readonly controllers: readonly ControllerId[] }
  | { readonly kind: "closed" };

/** How many records are copied between threads at once: a few milliseconds of it. */
export const partRecordsMax = 1_000;

/** One end of what is between two threads: a worker, its parent, or a port. */
export interface EnginePort<Said, Heard> {
  say(message: Said): void;
  hear(take: (message: Heard) => void): void;
}
