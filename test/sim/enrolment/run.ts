import { BrokenPromise, EnrolmentLife, type Subject, sound } from "./life.ts";
import { moves } from "./moves.ts";

/** What did not hold and at which move, or undefined if everything did. */
export async function runEnrolments(options: {
  readonly seed: number;
  readonly moveCount: number;
  readonly subject?: Subject;
}): Promise<string | undefined> {
  const { seed, moveCount, subject = sound } = options;
  const life = new EnrolmentLife(seed, subject);
  const names = Object.keys(moves) as (keyof typeof moves)[];
  let last = "the beginning";
  try {
    for (let count = 0; count < moveCount; count += 1) {
      const name = names[life.random.between(0, names.length - 1)] ?? "momentPasses";
      last = `move ${count + 1}, ${name}`;
      await life.move(moves[name]);
    }
    last = "the end";
    await life.end();
    return undefined;
  } catch (error) {
    if (error instanceof BrokenPromise) return `${last}: ${error.message}`;
    throw error;
  }
}
