import type { DoorInput, DoorState } from "../../../src/core/door-machine.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import {
  afterStep,
  andAlso,
  inOrder,
  type PlantedBug,
  withInput,
  withoutEffects,
  withoutEvent,
  withSettings,
} from "./planting.ts";
import { theDoorMachine as machine } from "./subject.ts";

/** A door whose grants wait for a passage keeps everything but how long they may take. */
const withExtra = (state: DoorState, extraMs: number): DoorState =>
  state.lock.kind === "secured" ? state : { ...state, lock: { ...state.lock, extraMs } };

/** In some steps the button, however long it is held, counts for nothing. */
const egressLost = (about: string, isLost: (input: DoorInput) => boolean) =>
  withSettings(about, (settings, _, input) =>
    isLost(input) ? { ...settings, rex: "report" } : settings,
  );

const holdBugs: Readonly<Record<string, PlantedBug>> = {
  "relock-ends-hold": afterStep(
    "a relock option ends the unlocking of a whole schedule",
    (taken) => {
      const { settings, state, input, step } = taken;
      const isEntry = input.kind === "leaf" && step.state.leaf !== state.leaf;
      const isRelock = settings.relock !== "after_unlock_time" && isEntry;
      return isRelock && state.lock.kind === "held" ? andAlso(taken, { kind: "end_hold" }) : step;
    },
  ),
  "coil-limit-ends-hold": afterStep(
    "the limit that spares a coil ends the unlocking of a fire",
    ({ settings, input, now, step }) => {
      const { lock } = step.state;
      if (input.kind !== "hold_unlocked" || lock.kind !== "held") return step;
      const relockAt = monotonicMs(now + settings.strikeOnMaxMs);
      const released = { ...lock, kind: "released", since: now, relockAt } as const;
      return { ...step, state: { ...step.state, lock: released } };
    },
  ),
  "hold-spares-open-leaf": withInput(
    "a door that stands open is not held unlocked",
    (input, state) =>
      input.kind === "hold_unlocked" && state.leaf.kind === "open"
        ? { kind: "deadline_reached" }
        : input,
  ),
  "end-of-hold-shuts-out": withInput(
    "who was let in a moment before the unlocking ended finds the door locked",
    (input) => (input.kind === "end_hold" ? { kind: "secure_now" } : input),
  ),
  "lockdown-waits": withInput("lockdown leaves a release its time", (input) =>
    input.kind === "secure_now" ? { kind: "end_hold" } : input,
  ),
  "lockdown-shuts-on-leaver": withSettings(
    "lockdown secures the strike while somebody holds the button",
    (settings, _, input) =>
      input.kind === "secure_now" ? { ...settings, rex: "report" } : settings,
  ),
  "leaf-locks-in-leaver": egressLost(
    "a leaf that shuts locks in who holds the button",
    ({ kind }) => kind === "leaf",
  ),
  "time-locks-in-leaver": egressLost(
    "the strike is secured under the hand that holds the button",
    ({ kind }) => kind === "deadline_reached",
  ),
  "end-of-hold-locks-in-leaver": egressLost(
    "the end of an unlocking locks in who holds the button",
    ({ kind }) => kind === "end_hold",
  ),
  "grant-in-hold-lost": withInput("a grant at an unlocked door is forgotten", (input, state) =>
    input.kind === "grant" && state.lock.kind === "held" ? { kind: "deadline_reached" } : input,
  ),
  "overdue-exit-refused": afterStep(
    "who presses while a late timer is due finds the strike secured",
    (taken) => {
      const { settings, state, input, now, step } = taken;
      const { lock } = state;
      const isOverdue = lock.kind === "released" && now >= lock.since + settings.strikeOnMaxMs;
      const isPress = input.kind === "rex" && input.state === "pressed";
      return isOverdue && isPress ? andAlso(taken, { kind: "secure_now" }) : step;
    },
  ),
};

const openBugs: Readonly<Record<string, PlantedBug>> = {
  "unlocked-door-is-watched": withSettings(
    "a door that is unlocked may not stand open, though its site said so",
    (settings) => ({ ...settings, heldOpenWatch: "always" }),
  ),
  "locked-door-is-not-watched": afterStep(
    "a leaf that kept the door from locking may stand open for ever",
    ({ state, step }) => {
      const { leaf, lock } = step.state;
      const isEnd = state.lock.kind === "held" && lock.kind !== "held";
      if (!isEnd || leaf.kind !== "open") return step;
      return { ...step, state: { ...step.state, leaf: { ...leaf, held: { kind: "unwatched" } } } };
    },
  ),
  "failing-to-relock-untold": withoutEvent(
    "nobody hears that a door failed to relock",
    "door_failed_to_relock",
  ),
  "relock-pauses-alarm": afterStep(
    "an alarm of a leaf held open ends because the door was to lock",
    ({ state, step }) => {
      const { leaf, lock } = step.state;
      const isEnd = state.lock.kind === "held" && lock.kind !== "held";
      const shows = step.effects.some(({ kind }) => kind === "indicate");
      const isHeld = leaf.kind === "open" && !leaf.forced && leaf.held.kind === "held";
      if (!isEnd || !isHeld || shows) return step;
      return {
        ...step,
        effects: inOrder([{ kind: "indicate", indication: "alarm_cleared" }, ...step.effects]),
      };
    },
  ),
  "extra-time-for-strike-alone": afterStep(
    "who needs longer has the strike for longer and the leaf not",
    ({ input, step }) =>
      input.kind === "grant" ? { ...step, state: withExtra(step.state, 0) } : step,
  ),
  "extra-time-for-leaf-alone": afterStep(
    "who needs longer finds the door locked again",
    ({ settings, state, input, now, step }) => {
      if (input.kind !== "grant") return step;
      const short = machine.stepDoor(settings, state, { kind: "grant", extraMs: 0 }, now);
      const { lock } = step.state;
      return lock.kind === "secured"
        ? short
        : { ...short, state: withExtra(short.state, lock.extraMs) };
    },
  ),
  "extra-time-lost-to-the-next": afterStep(
    "who needs longer has it no more once somebody quicker is granted",
    ({ input, step }) =>
      input.kind === "grant" ? { ...step, state: withExtra(step.state, input.extraMs) } : step,
  ),
  "extra-time-for-all": afterStep(
    "all day after somebody who needs longer, everybody has it",
    ({ state, input, step }) => {
      const isShutting = input.kind === "leaf" && input.leaf === "closed";
      if (!isShutting || state.lock.kind !== "held" || step.state.lock.kind !== "held") return step;
      return { ...step, state: withExtra(step.state, state.lock.extraMs) };
    },
  ),
};

const isAwaitedInHold = ({ lock }: DoorState) => lock.kind === "held" && lock.entry === "awaited";

const passageBugs: Readonly<Record<string, PlantedBug>> = {
  "unused-grant-never-settled": afterStep(
    "who was granted and turned away is expected for ever",
    ({ step }) =>
      withoutEffects(step, (one) => one.kind === "passage" && one.outcome === "not_made"),
  ),
  "awaited-at-unlocked-door-for-ever": {
    about: "who was granted at an unlocked door and turned away is expected while it is unlocked",
    subject: {
      ...machine,
      doorDeadline: (state) =>
        machine.doorDeadline(
          isAwaitedInHold(state) ? { ...state, lock: { kind: "secured" } } : state,
        ),
      stepDoor: (settings, state, input, now) => {
        const { lock } = state;
        if (lock.kind !== "held" || !isAwaitedInHold(state)) {
          return machine.stepDoor(settings, state, input, now);
        }
        const patient = { ...lock, relockAt: monotonicMs(Math.max(lock.relockAt, now)) };
        return machine.stepDoor(settings, { ...state, lock: patient }, input, now);
      },
    },
  },
  "passage-told-at-the-grant": afterStep(
    "who is granted is taken to have come through",
    ({ input, state, step }) =>
      input.kind !== "grant" || state.leaf.kind !== "closed"
        ? step
        : { ...step, effects: inOrder([{ kind: "passage", outcome: "made" }, ...step.effects]) },
  ),
  "passage-awaited-blindly": afterStep(
    "a door without a contact waits to see the leaf open",
    ({ state, step }) =>
      state.leaf.kind === "closed" ? step : withoutEffects(step, (one) => one.kind === "passage"),
  ),
  "passage-lost-with-the-wire": afterStep(
    "who was granted before the wire was cut is expected for ever",
    ({ input, step }) =>
      input.kind === "leaf" && (input.leaf === "cut" || input.leaf === "shorted")
        ? withoutEffects(step, (one) => one.kind === "passage")
        : step,
  ),
};

/** What a door gets wrong about postures, extra time and who came through. */
export const postureBugs: Readonly<Record<string, PlantedBug>> = {
  ...holdBugs,
  ...openBugs,
  ...passageBugs,
};
