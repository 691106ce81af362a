import type { RunOptions, RunOutcome } from "../lives.ts";
import { BrokenPromise, MobileLife, type Subject, sound } from "./life.ts";
import { moves } from "./moves.ts";

/** What did not hold and at which move, or undefined if everything did. */
export async function runMobile(options: RunOptions<Subject>): Promise<RunOutcome> {
  const { seed, moveCount, subject = sound, trace = () => {} } = options;
  const life = new MobileLife(seed, subject);
  const names = Object.keys(moves) as (keyof typeof moves)[];
  let last = "the beginning";
  const over = (failure: string | undefined): RunOutcome => ({
    failure,
    eventCounts: new Map([["let in by a phone", life.grantedCount]]),
  });
  try {
    for (let count = 0; count < moveCount; count += 1) {
      const name = names[life.random.between(0, names.length - 1)] ?? "aMomentPasses";
      last = `move ${count + 1}, ${name}`;
      trace(last);
      await life.move(moves[name]);
    }
    last = "the end";
    await life.end();
    return over(undefined);
  } catch (error) {
    if (error instanceof BrokenPromise) return over(`${last}: ${error.message}`);
    throw error;
  }
}
