import type { SyncAnswer, TimeSync } from "../time-sync.ts";

/** Vouches for the time when it is told to. */
export class SimTimeSync implements TimeSync {
  /** What is answered from now on. */
  answer: SyncAnswer;
  #askedCount = 0;
  #held: (() => void)[] | undefined;

  constructor(answer: SyncAnswer = "unsynchronised") {
    this.answer = answer;
  }

  get askedCount(): number {
    return this.#askedCount;
  }

  async ask(): Promise<SyncAnswer> {
    this.#askedCount += 1;
    const { answer } = this;
    const held = this.#held;
    if (held !== undefined) await new Promise<void>((resolve) => held.push(resolve));
    return answer;
  }

  /** Questions are taken and not answered until `letGo`; the answer is that of the question's moment. */
  hold(): void {
    this.#held ??= [];
  }

  letGo(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const resolve of held) resolve();
  }
}
