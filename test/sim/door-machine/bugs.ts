import type { DoorEffect, DoorInput, DoorState } from "../../../src/core/door-machine.ts";
import type { DoorSettings } from "../../../src/domain/access.ts";
import { type MonotonicMs, monotonicMs } from "../../../src/domain/time.ts";
import {
  afterStep,
  isEvent,
  type PlantedBug,
  withoutEffects,
  withSettings,
  withStep,
} from "./planting.ts";
import { postureBugs } from "./posture-bugs.ts";
import { pulseBugs } from "./pulse-bugs.ts";
import { theDoorMachine as machine } from "./subject.ts";
import { wireBugs } from "./wire-bugs.ts";

const released = (settings: DoorSettings, now: MonotonicMs): DoorState["lock"] => ({
  kind: "released",
  since: now,
  relockAt: monotonicMs(now + settings.unlockMs),
  entry: "not_expected",
  extraMs: 0,
});

const strikeBugs: Readonly<Record<string, PlantedBug>> = {
  "releases-open-leaf": afterStep(
    "a grant at an open leaf releases the strike",
    ({ settings, state, input, now, step }) =>
      input.kind !== "grant" || state.leaf.kind !== "open" || state.lock.kind === "released"
        ? step
        : {
            state: { ...step.state, lock: released(settings, now) },
            effects: [{ kind: "strike", command: "released" }, ...step.effects],
          },
  ),
  "forgets-to-secure": afterStep("the machine secures the strike in its mind only", ({ step }) =>
    withoutEffects(step, (one) => one.kind === "strike" && one.command === "secured"),
  ),
  "no-relock-deadline": {
    about: "nobody is told when to secure the strike",
    subject: {
      ...machine,
      doorDeadline: (state) =>
        machine.doorDeadline(
          state.lock.kind === "released" ? { ...state, lock: { kind: "secured" } } : state,
        ),
    },
  },
  "coil-unguarded": withSettings(
    "one grant after another keeps the strike released for ever",
    (settings) => ({ ...settings, strikeOnMaxMs: Number.MAX_SAFE_INTEGER }),
  ),
  "second-grant-ignored": withStep(
    "a second grant does not extend the first",
    (settings, state, input, now) => {
      const isSecond = input.kind === "grant" && state.lock.kind === "released";
      const fed: DoorInput = isSecond ? { kind: "deadline_reached" } : input;
      return machine.stepDoor(settings, state, fed, now);
    },
  ),
  "relock-option-ignored": withSettings(
    "the strike always stays for its whole time",
    (settings) => ({
      ...settings,
      relock: "after_unlock_time",
    }),
  ),
  "strike-last": afterStep("the journal comes before the strike", ({ step }) => ({
    ...step,
    effects: step.effects.toReversed(),
  })),
  "stuck-button-holds-strike": afterStep(
    "the strike stays released for as long as the button is held",
    ({ state, step }) =>
      state.lock.kind === "released" &&
      step.state.lock.kind !== "released" &&
      step.state.rex.position.kind !== "idle"
        ? {
            state: { ...step.state, lock: state.lock },
            effects: step.effects.filter((one) => one.kind !== "strike"),
          }
        : step,
  ),
  "starts-released": {
    about: "a button found pressed at start releases the strike",
    subject: {
      ...machine,
      initialDoor: (settings, found, now) => {
        const state = machine.initialDoor(settings, found, now);
        return found.rex === "pressed" ? { ...state, lock: released(settings, now) } : state;
      },
    },
  },
};

const timeBugs: Readonly<Record<string, PlantedBug>> = {
  "trusts-the-timer": withStep(
    "a deadline that comes early is taken at its word",
    (settings, state, input, now) => {
      const due = machine.doorDeadline(state);
      const isEarly = input.kind === "deadline_reached" && due !== undefined && now < due;
      return machine.stepDoor(settings, state, input, isEarly ? due : now);
    },
  ),
  "waits-for-the-timer": withStep(
    "what was due is overlooked until the timer says so",
    (settings, state, input, now) => {
      const due = machine.doorDeadline(state);
      const isLate = input.kind === "leaf" && due !== undefined && now >= due;
      return machine.stepDoor(settings, state, input, isLate ? monotonicMs(due - 1) : now);
    },
  ),
  "deadline-in-the-past": {
    about: "a door that is held open asks to be woken for ever",
    subject: {
      ...machine,
      doorDeadline: (state) =>
        machine.doorAlarm(state) === "alarm_held" ? monotonicMs(0) : machine.doorDeadline(state),
    },
  },
};

const alarmBugs: Readonly<Record<string, PlantedBug>> = {
  "held-by-threshold-alone": withSettings(
    "an opening after a grant is held open after the threshold alone",
    (settings, state, input) =>
      input.kind === "leaf" && state.lock.kind === "released"
        ? { ...settings, heldOpenMs: settings.heldOpenMs - settings.unlockMs }
        : settings,
  ),
  "forced-gets-unlock-time": withSettings(
    "a forced leaf is held open as late as one that was let in",
    (settings, state, input) =>
      input.kind === "leaf" && state.lock.kind === "secured"
        ? { ...settings, heldOpenMs: settings.heldOpenMs + settings.unlockMs }
        : settings,
  ),
  "grant-restarts-nothing": withStep(
    "a grant at an open leaf does not restart the held-open time",
    (settings, state, input, now) => {
      const isAtOpenLeaf = input.kind === "grant" && state.leaf.kind === "open";
      const fed: DoorInput = isAtOpenLeaf ? { kind: "deadline_reached" } : input;
      return machine.stepDoor(settings, state, fed, now);
    },
  ),
  "grant-forgives-force": afterStep(
    "a grant at a forced leaf ends the alarm",
    ({ input, step }) => {
      const { leaf } = step.state;
      if (input.kind !== "grant" || leaf.kind !== "open" || !leaf.forced) return step;
      return { ...step, state: { ...step.state, leaf: { ...leaf, forced: false } } };
    },
  ),
  "exit-is-forced": withStep(
    "the button does not explain an opening",
    (settings, state, input, now) => {
      const rex = { ...state.rex, position: { kind: "idle", egressUntil: undefined } } as const;
      const known = input.kind === "leaf" ? { ...state, rex } : state;
      const step = machine.stepDoor(settings, known, input, now);
      return input.kind === "leaf" ? { ...step, state: { ...step.state, rex: state.rex } } : step;
    },
  ),
  "forced-at-start": {
    about: "a leaf found open at start was forced",
    subject: {
      ...machine,
      initialDoor: (settings, found, now) => {
        const state = machine.initialDoor(settings, found, now);
        if (state.leaf.kind !== "open") return state;
        return { ...state, leaf: { ...state.leaf, forced: true, isReported: true } };
      },
    },
  },
  "alarm-repeats": afterStep("held open is told again with every report", ({ state, step }) => {
    const isStillHeld =
      machine.doorAlarm(state) === "alarm_held" && machine.doorAlarm(step.state) === "alarm_held";
    if (!isStillHeld) return step;
    const held = { kind: "event", event: { kind: "door_held", door: "front" } } as DoorEffect;
    return { ...step, effects: [...step.effects, held] };
  }),
  "alarm-shows-for-ever": afterStep("the lamps are never told that an alarm is over", ({ step }) =>
    withoutEffects(step, (one) => one.kind === "indicate" && one.indication === "alarm_cleared"),
  ),
  "secured-untold": afterStep("the site never hears that a forced door is shut again", ({ step }) =>
    withoutEffects(step, (one) => isEvent(one, "door_secured")),
  ),
  "no-warning": withSettings("there is no warning before held open", (settings) => ({
    ...settings,
    heldOpenWarningMs: 0,
  })),
  "entry-overlooked": afterStep(
    "a grant that was used is told as not entered",
    ({ state, input, step }) => {
      const { lock } = step.state;
      const wasAwaited = state.lock.kind !== "secured" && state.lock.entry === "awaited";
      if (input.kind !== "leaf" || lock.kind === "secured" || !wasAwaited) return step;
      return { ...step, state: { ...step.state, lock: { ...lock, entry: "awaited" } } };
    },
  ),
};

const inputBugs: Readonly<Record<string, PlantedBug>> = {
  "believes-a-loose-contact": afterStep("a contact that rattles floods the journal", ({ step }) => {
    const { leaf } = step.state;
    if (leaf.kind !== "open" && leaf.kind !== "closed") return step;
    return { ...step, state: { ...step.state, leaf: { ...leaf, changes: [] } } };
  }),
  "believes-a-loose-button": afterStep("a button that rattles is never told", ({ step }) => ({
    ...step,
    state: { ...step.state, rex: { ...step.state.rex, trust: { kind: "steady", changes: [] } } },
  })),
  "loose-contact-locks-out": withStep(
    "while the contact rattles a grant releases nothing",
    (settings, state, input, now) => {
      const isRattling = input.kind === "grant" && state.leaf.kind === "chattering";
      const fed: DoorInput = isRattling ? { kind: "deadline_reached" } : input;
      return machine.stepDoor(settings, state, fed, now);
    },
  ),
  "every-press-is-an-event": afterStep(
    "a button pressed ten times is ten exits",
    ({ settings, state, input, step }) => {
      const isPress = input.kind === "rex" && input.state === "pressed";
      const isTold = step.effects.some(({ kind }) => kind === "event");
      if (!isPress || isTold || step.state.rex === state.rex) return step;
      const event = { kind: "rex_reported", door: settings.id } as const;
      return { ...step, effects: [...step.effects, { kind: "event", event }] };
    },
  ),
  "stuck-button-untold": afterStep("nobody hears of a button that is stuck", ({ step }) =>
    withoutEffects(step, (one) => isEvent(one, "rex_stuck")),
  ),
};

/** By the name that `npm run sim -- --bug` takes. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  ...strikeBugs,
  ...timeBugs,
  ...alarmBugs,
  ...inputBugs,
  ...postureBugs,
  ...wireBugs,
  ...pulseBugs,
};
