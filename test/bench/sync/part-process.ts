import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { wordsToRun } from "../fresh-process.ts";

/** What a process of the benchmark does when it is asked to, by name. */
type Part = Readonly<Record<string, (argument: never) => Promise<unknown>>>;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: string;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A process that plays one part. It ends with the process that started it, however that ends. */
export class PartProcess<Played extends Part> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(script: URL, words: readonly (string | number)[]) {
    this.#child = spawn(process.execPath, [...wordsToRun(script, words)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.#child.on("message", (answer: Answer) => this.#answered(answer));
    this.#child.on("exit", (code, signal) => {
      const error = new Error(`${script.pathname} ended with ${code ?? signal}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  ask<const Name extends keyof Played & string>(
    name: Name,
    argument: Parameters<Played[Name]>[0],
  ): Promise<Awaited<ReturnType<Played[Name]>>> {
    this.#lastId += 1;
    const question: Question = { id: this.#lastId, name, argument };
    return new Promise((resolve, reject) => {
      const settle = resolve as (value: unknown) => void;
      this.#waiting.set(question.id, { resolve: settle, reject });
      this.#child.send(question, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  #answered({ id, value, failure }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(failure));
  }
}

/** In the process itself: answers what it is asked, each question as soon as it can. */
export function playPart<Played extends Part>(part: Played): void {
  process.on("message", ({ id, name, argument }: Question) => {
    const play = part[name];
    if (play === undefined) throw new Error(`nobody plays ${name} here`);
    const answer = (said: Omit<Answer, "id">) => process.send?.({ id, ...said });
    play(argument as never).then(
      (value) => answer({ value }),
      (error: unknown) =>
        answer({ failure: error instanceof Error ? (error.stack ?? "") : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}
