import type { LightPattern } from "../../hal/indicator.ts";
import { unreachable } from "../domain/unreachable.ts";

/** What the lamps of a reader are to say about its door, once the last tap's answer has been shown. */
export type Resting = "secured" | "unlocked" | "alarm" | "warning" | "more_expected";

/** The answer to a tap or a PIN, shown at once and then left for the resting light. */
export type Answer = "granted" | "denied";

const flashMs = 120;
const slowFlashMs = 500;

/** How long the beeper sounds, in milliseconds; a denial is told from a grant with eyes shut. */
export const beepMs = { ready: 80, key: 30, granted: 120, denied: 500, expected: 60 } as const;

/** Until the outputs, the table and the journal are open: amber (behaviour 33). */
export const bootPattern: LightPattern = { kind: "steady", light: "amber" };

export function restingPattern(resting: Resting): LightPattern {
  switch (resting) {
    case "secured":
      return { kind: "steady", light: "red" };
    case "unlocked":
      return { kind: "steady", light: "green" };
    case "alarm":
      return { kind: "flash", light: "red", onMs: flashMs };
    case "warning":
      return { kind: "flash", light: "red", onMs: slowFlashMs };
    case "more_expected":
      return { kind: "flash", light: "amber", onMs: slowFlashMs };
    default:
      return unreachable(resting);
  }
}

/**
 * Three flashes, then what the door is: green until it relocks, red where it stayed secured, amber
 * where more is still awaited. None for
 * a denial during an alarm: the alarm goes on flashing, and the beeper alone says no.
 */
export function answerPattern(answer: Answer, resting: Resting): LightPattern | undefined {
  if (answer === "granted") {
    return { kind: "flash_then", light: "green", onMs: flashMs, count: 3, then: "green" };
  }
  if (resting === "alarm" || resting === "warning") return undefined;
  const then = resting === "secured" ? "red" : resting === "unlocked" ? "green" : "amber";
  return { kind: "flash_then", light: "red", onMs: flashMs, count: 3, then };
}
