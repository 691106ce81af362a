import { isDeepStrictEqual } from "node:util";
import type { AccessRequest } from "../../../src/core/authorize.ts";
import type { Decide } from "./subject.ts";

/** How often each reason, or a grant, was the answer. */
export type Outcomes = Readonly<Record<string, number>>;

export function outcomesOf(decide: Decide, next: () => AccessRequest, count: number): Outcomes {
  const counts: Record<string, number> = {};
  for (let index = 0; index < count; index += 1) {
    const decision = decide(next());
    const word = decision.kind === "denied" ? decision.reason : decision.kind;
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

/** A subject that decides otherwise is no peer, however fast. */
export function requireSameOutcomes(bySubject: ReadonlyMap<string, Outcomes>): void {
  // The order in which the outcomes were first met stays out of it.
  const [first, ...others] = [...bySubject].map(
    ([subject, outcomes]) => [subject, new Map(Object.entries(outcomes))] as const,
  );
  for (const other of others) {
    if (!isDeepStrictEqual(other[1], first?.[1])) {
      throw new Error(`these decide differently: ${JSON.stringify([...bySubject])}`);
    }
  }
}
