import type { DoorState } from "../../../src/core/door-machine.ts";
import {
  afterStep,
  inOrder,
  type PlantedBug,
  withInput,
  withoutEvent,
  withStep,
} from "./planting.ts";
import { theDoorMachine as machine } from "./subject.ts";

const asForced = (state: DoorState, forced: boolean): DoorState =>
  state.leaf.kind === "faulty" ? { ...state, leaf: { ...state.leaf, forced } } : state;

/** What a door gets wrong about inputs whose wires are watched, and about one that is stuck. */
export const wireBugs: Readonly<Record<string, PlantedBug>> = {
  "cut-contact-is-closed": withInput("a cut contact says that the leaf is shut", (input) =>
    input.kind === "leaf" && input.leaf === "cut" ? { kind: "leaf", leaf: "closed" } : input,
  ),
  "shorted-contact-is-open": withInput("a shorted contact says that the leaf is open", (input) =>
    input.kind === "leaf" && input.leaf === "shorted" ? { kind: "leaf", leaf: "open" } : input,
  ),
  "shorted-is-cut": withInput("a shorted wire is told as a cut one", (input) =>
    input.kind === "leaf" && input.leaf === "shorted" ? { kind: "leaf", leaf: "cut" } : input,
  ),
  "cut-button-is-idle": withInput("an exit while the button's wire is cut is forced", (input) =>
    input.kind === "rex" && input.state === "cut" ? { kind: "rex", state: "idle" } : input,
  ),
  "shorted-button-admits": withInput("two wires that touch open the door", (input) =>
    input.kind === "rex" && input.state === "shorted" ? { kind: "rex", state: "pressed" } : input,
  ),
  "mended-button-ignored": withStep(
    "who presses a button just mended stays inside",
    (settings, state, input, now) => {
      const isMended = input.kind === "rex" && state.rex.position.kind === "faulty";
      const step = machine.stepDoor(settings, state, input, now);
      if (!isMended || step.state.lock === state.lock) return step;
      const effects = step.effects.filter(({ kind }) => kind !== "strike");
      return { state: { ...step.state, lock: state.lock }, effects };
    },
  ),
  "broken-contact-keeps-inside": withInput(
    "nobody gets out while the contact's wire is cut",
    (input, state) =>
      input.kind === "rex" && input.state === "pressed" && state.leaf.kind === "faulty"
        ? { kind: "deadline_reached" }
        : input,
  ),
  "mended-contact-forgives": afterStep(
    "who cuts the contact's wire first may force the door",
    ({ step }) => ({ ...step, state: asForced(step.state, false) }),
  ),
  "mended-contact-accuses": afterStep(
    "who was let in while the contact's wire was cut has forced the door",
    ({ step }) => ({ ...step, state: asForced(step.state, true) }),
  ),
  "mended-contact-relocks": afterStep(
    "a wire that comes back secures the strike under somebody's hand",
    ({ settings, state, input, now, step }) => {
      const isMended = state.leaf.kind === "faulty" && step.state.leaf.kind === "closed";
      if (!isMended || settings.relock !== "on_close" || step.state.lock.kind !== "released") {
        return step;
      }
      const secured = machine.stepDoor(settings, step.state, { kind: "secure_now" }, now);
      return input.kind === "leaf"
        ? { state: secured.state, effects: inOrder([...secured.effects, ...step.effects]) }
        : step;
    },
  ),
  "loose-wire-floods": afterStep("a wire that comes and goes floods the journal", ({ step }) => {
    const { leaf } = step.state;
    if (leaf.kind !== "faulty") return step;
    return { ...step, state: { ...step.state, leaf: { ...leaf, changes: [] } } };
  }),
  "fault-at-start-untold": {
    about: "who cuts the power and then a wire is never told of",
    subject: {
      ...machine,
      initialDoor: (settings, found, now) => {
        const state = machine.initialDoor(settings, found, now);
        if (state.leaf.kind !== "faulty") return state;
        return { ...state, leaf: { ...state.leaf, tellAt: undefined } };
      },
    },
  },
  "doubt-is-shut": {
    about: "an interlocked door counts as shut while nobody can tell",
    subject: {
      ...machine,
      isShut: (state) =>
        machine.isShut(state) || (state.leaf.kind === "faulty" && state.lock.kind === "secured"),
    },
  },
  "stuck-contact-untold": withoutEvent(
    "nobody hears of a contact that always says closed",
    "contact_stuck",
  ),
  "stuck-contact-for-ever": withoutEvent(
    "nobody hears that a stuck contact works again",
    "contact_recovered",
  ),
};
