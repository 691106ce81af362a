import type { DoorSettings } from "./access.ts";

/**
 * How a door behaves where its site says nothing else, and before its first table: behaviour 28's
 * three seconds, and exit as its own table would have it.
 */
export const doorDefaults: Omit<DoorSettings, "id" | "name"> = {
  posture: "locked",
  unlockMs: 3_000,
  extraTimeMs: 30_000,
  heldOpenMs: 30_000,
  heldOpenWarningMs: 10_000,
  heldOpenWatch: "always",
  strikeOnMaxMs: 60_000,
  relock: "on_close",
  factors: "card",
  secondFactorMs: 10_000,
  rex: "admit",
  clockUnknown: "deny",
  exitReaders: [],
  interlock: [],
  twoPerson: "not_required",
  companyMs: 30_000,
  tamper: "go_on",
  fire: "ignore",
  afterRestart: "remember",
};
