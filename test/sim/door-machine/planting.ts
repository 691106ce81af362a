import type { DoorEffect, DoorInput, DoorState, DoorStep } from "../../../src/core/door-machine.ts";
import type { DoorSettings } from "../../../src/domain/access.ts";
import type { MonotonicMs } from "../../../src/domain/time.ts";
import { theDoorMachine as machine, type Subject } from "./subject.ts";

/** One way to get a door wrong, as somebody might have written it, and the machine that does. */
export interface PlantedBug {
  readonly about: string;
  readonly subject: Subject;
}

/** What a step was given, and the step that the machine would have taken. */
interface Taken {
  readonly settings: DoorSettings;
  readonly state: DoorState;
  readonly input: DoorInput;
  readonly now: MonotonicMs;
  readonly step: DoorStep;
}

export const withStep = (about: string, stepDoor: Subject["stepDoor"]): PlantedBug => ({
  about,
  subject: { ...machine, stepDoor },
});

/** A bug in what comes out of a step. */
export const afterStep = (about: string, spoil: (taken: Taken) => DoorStep): PlantedBug =>
  withStep(about, (settings, state, input, now) => {
    const step = machine.stepDoor(settings, state, input, now);
    return spoil({ settings, state, input, now, step });
  });

/** A bug in how a step reads its settings. */
export const withSettings = (
  about: string,
  misread: (settings: DoorSettings, state: DoorState, input: DoorInput) => DoorSettings,
): PlantedBug =>
  withStep(about, (settings, state, input, now) =>
    machine.stepDoor(misread(settings, state, input), state, input, now),
  );

/** A bug in what an input is taken for. */
export const withInput = (
  about: string,
  mistake: (input: DoorInput, state: DoorState) => DoorInput,
): PlantedBug =>
  withStep(about, (settings, state, input, now) =>
    machine.stepDoor(settings, state, mistake(input, state), now),
  );

export const withoutEffects = (
  step: DoorStep,
  isLost: (effect: DoorEffect) => boolean,
): DoorStep => ({ ...step, effects: step.effects.filter((effect) => !isLost(effect)) });

export const withoutEvent = (about: string, kind: string): PlantedBug =>
  afterStep(about, ({ step }) => withoutEffects(step, (one) => isEvent(one, kind)));

/** A bug that does one thing too many. */
export function andAlso({ settings, now, step }: Taken, input: DoorInput): DoorStep {
  const more = machine.stepDoor(settings, step.state, input, now);
  return { state: more.state, effects: inOrder([...step.effects, ...more.effects]) };
}

/** As the machine orders them, so that a bug is found for what it does. */
export function inOrder(effects: readonly DoorEffect[]): readonly DoorEffect[] {
  const ranks = ["strike", "indicate", "passage", "event"];
  return effects.toSorted((one, other) => ranks.indexOf(one.kind) - ranks.indexOf(other.kind));
}

export function isEvent(effect: DoorEffect, kind: string): boolean {
  return effect.kind === "event" && effect.event.kind === kind;
}
