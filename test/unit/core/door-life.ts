import {
  type DoorFound,
  type DoorInput,
  type DoorState,
  doorDeadline,
  initialDoor,
  stepDoor,
} from "../../../src/core/door-machine.ts";
import type { DoorSettings } from "../../../src/domain/access.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { monotonicMs } from "../../../src/domain/time.ts";

export const front: DoorSettings = {
  ...doorDefaults,
  id: doorId("front"),
  name: "Front",
  unlockMs: 3_000,
  heldOpenMs: 30_000,
  heldOpenWarningMs: 10_000,
  strikeOnMaxMs: 20_000,
  relock: "after_unlock_time",
  factors: "card",
  secondFactorMs: 10_000,
  rex: "admit",
  clockUnknown: "deny",
};

export const inputs = {
  grant: { kind: "grant", extraMs: 0 },
  "grant with 30 s more": { kind: "grant", extraMs: 30_000 },
  "hold unlocked": { kind: "hold_unlocked" },
  "end hold": { kind: "end_hold" },
  "secure now": { kind: "secure_now" },
  "pulse of 500 ms": { kind: "pulse", forMs: 500 },
  "pulse of an hour": { kind: "pulse", forMs: 3_600_000 },
  opens: { kind: "leaf", leaf: "open" },
  shuts: { kind: "leaf", leaf: "closed" },
  press: { kind: "rex", state: "pressed" },
  "let go": { kind: "rex", state: "idle" },
  "contact cut": { kind: "leaf", leaf: "cut" },
  "contact shorted": { kind: "leaf", leaf: "shorted" },
  "rex cut": { kind: "rex", state: "cut" },
  "rex shorted": { kind: "rex", state: "shorted" },
} as const satisfies Record<string, DoorInput>;
export type Happening = readonly [atMs: number, what: keyof typeof inputs];

export interface Start {
  readonly settings?: Partial<DoorSettings>;
  readonly leaf?: DoorFound["leaf"];
  readonly rex?: DoorFound["rex"];
}

/**
 * A door that starts at 0 and whose timers are on time: what it did, as `<ms> <what>`, what became
 * of its grants, and its state at `untilMs`.
 */
export function live(
  start: Start,
  happenings: readonly Happening[],
  untilMs = 1_000_000,
): {
  readonly story: readonly string[];
  readonly passages: readonly string[];
  readonly state: DoorState;
} {
  const settings = { ...front, ...start.settings };
  const found = { leaf: start.leaf ?? "closed", rex: start.rex ?? "idle" } as const;
  let state = initialDoor(settings, found, monotonicMs(0));
  const story: string[] = [];
  const passages: string[] = [];
  const feed = (input: DoorInput, at: number) => {
    const step = stepDoor(settings, state, input, monotonicMs(at));
    state = step.state;
    for (const effect of step.effects) {
      if (effect.kind === "strike") story.push(`${at} strike ${effect.command}`);
      if (effect.kind === "indicate") story.push(`${at} show ${effect.indication}`);
      if (effect.kind === "passage") passages.push(`${at} ${effect.outcome}`);
      if (effect.kind === "event") story.push(`${at} ${effect.event.kind}`);
    }
  };
  const passUntil = (end: number) => {
    let due = doorDeadline(state);
    while (due !== undefined && due <= end) {
      feed({ kind: "deadline_reached" }, due);
      due = doorDeadline(state);
    }
  };
  for (const [at, what] of happenings) {
    passUntil(at - 1);
    feed(inputs[what], at);
  }
  passUntil(untilMs);
  return { story, passages, state };
}

export const tell = (start: Start, ...happenings: readonly Happening[]) =>
  live(start, happenings).story;
