import type { MonotonicMs } from "../domain/time.ts";
import type { DoorState } from "./door-machine.ts";
import { believedLeaf } from "./leaf-watch.ts";

/** Why a strike is not tried now, whoever asks. */
export type PulseRefusal =
  /** What was released under an open leaf would still be so when it shuts. */
  | "leaf_open"
  /** By a posture or the fire input: it is released already, and not for us to end. */
  | "held_unlocked";

export function pulseRefusal(state: DoorState, now: MonotonicMs): PulseRefusal | undefined {
  if (state.lock.kind === "held") return "held_unlocked";
  return believedLeaf(state.leaf, now) === "open" ? "leaf_open" : undefined;
}
