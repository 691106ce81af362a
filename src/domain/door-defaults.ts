import type { DoorSettings } from "./access.ts";

/**
 * How a door behaves where its site says nothing else, and before its first table: behaviour 28's
 * three seconds, and exit as its own table would have it.
 */
export const doorDefaults: Omit<DoorSettings, "id" | "name"> = {
  unlockMs: 3_000,
  heldOpenMs: 30_000,
  heldOpenWarningMs: 10_000,
  strikeOnMaxMs: 60_000,
  relock: "on_close",
  factors: "card",
  secondFactorMs: 10_000,
  rex: "admit",
  clockUnknown: "deny",
};
