import type { DoorId } from "../../../src/domain/ids.ts";
import type { Truth } from "./truth.ts";

/** What becomes of a technician who tries a strike. */
export type PulseOutcome =
  | "released"
  | "fire"
  | "lockdown"
  | "disabled"
  | "interlock"
  | "held_unlocked"
  | "leaf_open";

/** What is refused to everybody but those who leave is refused to him. */
export function pulseOutcome(
  truth: Truth,
  door: DoorId,
  seen: {
    readonly leaf: "open" | "closed" | "unknown";
    readonly isShut: (door: DoorId) => boolean;
  },
): PulseOutcome {
  if (truth.isFire) return "fire";
  const { posture } = truth.posture(door);
  if (posture === "lockdown" || posture === "disabled") return posture;
  if (!truth.settings(door).interlock.every(seen.isShut)) return "interlock";
  if (truth.isHeldUnlocked(door)) return "held_unlocked";
  return seen.leaf === "open" ? "leaf_open" : "released";
}
