import type { LightPattern } from "../../hal/indicator.ts";
import { unreachable } from "../domain/unreachable.ts";

/** What the lamps of a reader are to say about its door, once the last tap's answer has been shown. */
export type Resting = "secured" | "unlocked" | "alarm" | "warning" | "more_expected" | "reading";

/**
 * The answer to a tap or a PIN, shown at once and then left for the resting light. `taken`: the card was
 * read for an enrolment, and no door opens.
 */
export type Answer = "granted" | "denied" | "taken";

const flashMs = 120;
const slowFlashMs = 500;
const takenFlashMs = 1_000;

/** How long the beeper sounds, in milliseconds; a denial is told from a grant with eyes shut. */
export const beepMs = {
  ready: 80,
  key: 30,
  granted: 120,
  denied: 500,
  expected: 60,
  taken: 120,
} as const;

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
    case "reading":
      return { kind: "steady", light: "amber" };
    default:
      return unreachable(resting);
  }
}

/**
 * Three flashes, then what the door is: green until it relocks, red where it stayed secured, amber
 * where more is still awaited. A card that was taken is one long green flash, so that nobody pulls at the
 * door. None for a denial during an alarm, or a card taken then: the alarm goes on flashing, and the
 * beeper alone answers.
 */
export function answerPattern(answer: Answer, resting: Resting): LightPattern | undefined {
  if (answer === "granted") {
    return { kind: "flash_then", light: "green", onMs: flashMs, count: 3, then: "green" };
  }
  if (resting === "alarm" || resting === "warning") return undefined;
  const then = resting === "secured" ? "red" : resting === "unlocked" ? "green" : "amber";
  if (answer === "taken") {
    return { kind: "flash_then", light: "green", onMs: takenFlashMs, count: 1, then };
  }
  return { kind: "flash_then", light: "red", onMs: flashMs, count: 3, then };
}
