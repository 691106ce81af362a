import type { DoorState } from "../../../src/core/door-machine.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { afterStep, andAlso, type PlantedBug, withInput, withStep } from "./planting.ts";
import { theDoorMachine as machine } from "./subject.ts";

/** A strike that a technician tries is a strike that is released. */
export const pulseBugs: Readonly<Record<string, PlantedBug>> = {
  "pulse-for-ever": afterStep("a pulse leaves the strike released", ({ input, step }) => {
    const { lock } = step.state;
    if (input.kind !== "pulse" || lock.kind !== "released") return step;
    const relockAt = monotonicMs(lock.relockAt + 3_600_000);
    return { ...step, state: { ...step.state, lock: { ...lock, relockAt } } };
  }),
  "pulse-is-an-exit": withStep(
    "a pulse takes as long as an exit, however short it was asked for",
    (settings, state, input, now) => {
      const asked = input.kind === "pulse" ? { ...input, forMs: settings.unlockMs } : input;
      return machine.stepDoor(settings, state, asked, now);
    },
  ),
  "pulse-burns-coil": withStep(
    "one pulse after another keeps the strike released for ever",
    (settings, state, input, now) => {
      const { lock } = state;
      const isAgain = input.kind === "pulse" && lock.kind === "released" && now < lock.relockAt;
      const anew: DoorState = isAgain ? { ...state, lock: { ...lock, since: now } } : state;
      return machine.stepDoor(settings, anew, input, now);
    },
  ),
  "pulse-under-open-leaf": withStep(
    "a pulse at an open leaf releases the strike",
    (settings, state, input, now) => {
      if (input.kind !== "pulse") return machine.stepDoor(settings, state, input, now);
      const { leaf } = state;
      const unseen: DoorState = { ...state, leaf: { kind: "no_contact" } };
      const step = machine.stepDoor(settings, unseen, input, now);
      return { ...step, state: { ...step.state, leaf } };
    },
  ),
  "pulse-ends-hold": afterStep(
    "a pulse at a door that is held unlocked ends with the hold",
    (taken) =>
      taken.input.kind === "pulse" && taken.state.lock.kind === "held"
        ? andAlso(taken, { kind: "end_hold" })
        : taken.step,
  ),
  "pulse-is-a-grant": withInput("a pulse awaits somebody, as a grant does", (input) =>
    input.kind === "pulse" ? { kind: "grant", extraMs: 0 } : input,
  ),
  "pulse-cuts-short": withStep(
    "who was let in has no longer than the pulse after him",
    (settings, state, input, now) => {
      const { lock } = state;
      const isDuring = input.kind === "pulse" && lock.kind === "released" && now < lock.relockAt;
      const known: DoorState = isDuring ? { ...state, lock: { ...lock, relockAt: now } } : state;
      return machine.stepDoor(settings, known, input, now);
    },
  ),
  "pulse-forces": afterStep("a leaf that opens during a pulse was forced", (taken) => {
    const { input, state, step } = taken;
    const isPulsed = state.lock.kind === "released" && state.lock.entry === "not_expected";
    const isOpening =
      input.kind === "leaf" && input.leaf === "open" && state.leaf.kind === "closed";
    if (!isPulsed || !isOpening) return step;
    const door = { door: taken.settings.id };
    return {
      ...step,
      effects: [...step.effects, { kind: "event", event: { kind: "door_forced", ...door } }],
    };
  }),
  "pulse-refused": withInput("a pulse does nothing at all", (input) =>
    input.kind === "pulse" ? { kind: "deadline_reached" } : input,
  ),
};
