import type { Seeded } from "../../hal/sim/seeded.ts";

export interface RunOptions<Subject> {
  readonly seed: number;
  readonly moveCount: number;
  readonly subject?: Subject;
  readonly trace?: (line: string) => void;
}

export interface RunOutcome {
  /** What did not hold and at which move, or undefined if everything did. */
  readonly failure: string | undefined;
  readonly eventCounts: ReadonlyMap<string, number>;
}

export interface WeighedMove<Move> {
  readonly name: string;
  readonly make: Move;
  readonly weight: number;
}

/** Draws moves by weight; `otherwise` where every weight is nothing. */
export function drawing<Move>(
  random: Seeded,
  weighed: readonly WeighedMove<Move>[],
  otherwise: Omit<WeighedMove<Move>, "weight">,
): () => Omit<WeighedMove<Move>, "weight"> {
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0);
  return () => {
    let rest = random.next() * total;
    for (const choice of weighed) {
      rest -= choice.weight;
      if (rest < 0) return choice;
    }
    return otherwise;
  };
}
