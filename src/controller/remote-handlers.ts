import type { DoorEvent, EnrolmentOutcome } from "../domain/event.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { ControllerAnswer } from "../protocols/sync/command-answer.ts";
import type { DoorOverride, SiteCommand } from "../protocols/sync/site-command.ts";
import type { AnswerCommand, CarryOut } from "./command-receiver.ts";
import type { DoorController } from "./door-controller.ts";
import type { Enrolled } from "./reader-enrolment.ts";

export interface RemoteHandlersOptions {
  readonly doors: Pick<
    DoorController,
    "hasDoor" | "unlock" | "override" | "enrolmentAt" | "isTampered" | "takesPhones"
  >;
  readonly record: (event: DoorEvent) => void;
}

type Command<Kind extends SiteCommand["kind"]> = Extract<SiteCommand, { readonly kind: Kind }>;

/** What the site may have a running controller do. Each of it is journalled with the site's attempt. */
export function remoteHandlers(options: RemoteHandlersOptions): CarryOut {
  return (command, answer) => {
    switch (command.kind) {
      case "enrol":
        return enrol(options, command, answer);
      case "cancel_enrolment":
        return cancel(options, command, answer);
      case "tell_last_unknown":
        return tellLastUnknown(options, command, answer);
      case "unlock":
        return answer(unlock(options, command));
      case "set_override":
        return override(options, command, answer);
      default:
        return unreachable(command);
    }
  };
}

/** Not journalled: whoever owns the site would fill the journal with doors that are not here. */
const noDoor: ControllerAnswer = { kind: "refused", detail: "door_unknown" };
const noReader: ControllerAnswer = { kind: "refused", detail: "reader_unknown" };

function enrol(
  options: RemoteHandlersOptions,
  { reader, attempt, forMs, expects = "card" }: Command<"enrol">,
  answer: AnswerCommand,
): void {
  const { doors } = options;
  const enrolment = doors.enrolmentAt(reader);
  if (enrolment === undefined) return answer(noReader);
  const refuse = refusing(options, { reader, attempt }, answer);
  if (expects === "phone" && !doors.takesPhones(reader)) return refuse("no_radio");
  const order = { attempt, expects, forMs, isTampered: doors.isTampered(reader) };
  const begun = enrolment.begin(order, (enrolled) => {
    // Told before it is journalled: somebody waits for it in front of a screen.
    answer(answerOf(enrolled));
    recordEnrolment(options, { reader, attempt }, enrolled.kind);
  });
  if (begun !== "listening") return refuse(begun);
  answer({ kind: "listening" });
  recordEnrolment(options, { reader, attempt }, "began");
}

function answerOf(enrolled: Enrolled): ControllerAnswer {
  switch (enrolled.kind) {
    case "taken": {
      const { raw, format } = enrolled;
      return { kind: "presented", raw, ...(format !== undefined && { format }) };
    }
    case "nothing":
      return { kind: "nothing" };
    case "cancelled":
    case "tampered":
      return { kind: "refused", detail: enrolled.kind };
    default:
      return unreachable(enrolled);
  }
}

function cancel(
  { doors }: RemoteHandlersOptions,
  { reader, attempt }: Command<"cancel_enrolment">,
  answer: AnswerCommand,
): void {
  const enrolment = doors.enrolmentAt(reader);
  if (enrolment === undefined) return answer(noReader);
  enrolment.cancel(attempt);
  answer({ kind: "done" });
}

function tellLastUnknown(
  options: RemoteHandlersOptions,
  { reader, attempt }: Command<"tell_last_unknown">,
  answer: AnswerCommand,
): void {
  const { doors } = options;
  const enrolment = doors.enrolmentAt(reader);
  if (enrolment === undefined) return answer(noReader);
  if (doors.isTampered(reader)) return refusing(options, { reader, attempt }, answer)("tampered");
  const raw = enrolment.lastUnknown();
  answer(raw === undefined ? { kind: "nothing" } : { kind: "presented", raw });
  if (raw !== undefined) recordEnrolment(options, { reader, attempt }, "last_unknown_told");
}

function unlock(
  { doors, record }: RemoteHandlersOptions,
  { door, attempt }: Command<"unlock">,
): ControllerAnswer {
  if (!doors.hasDoor(door)) return noDoor;
  const outcome = doors.unlock(door);
  record({ kind: "remote_unlock", door, attempt, outcome });
  const isOpen = outcome === "released" || outcome === "already_unlocked";
  return isOpen ? { kind: "done" } : { kind: "refused", detail: outcome };
}

function override(
  { doors, record }: RemoteHandlersOptions,
  { door, attempt, override }: Command<"set_override">,
  answer: AnswerCommand,
): void {
  if (!doors.hasDoor(door)) return answer(noDoor);
  const set = doors.override(door, requestOf(override));
  const asked = override.posture === "none" ? "clear" : override.posture;
  const outcome = set.ok ? "done" : "refused";
  record({ kind: "remote_override", door, attempt, override: asked, outcome });
  if (!set.ok) return answer({ kind: "refused", detail: "until_next_change" });
  // In force already. That a restart will not know of it is worth saying, and no reason to take it back.
  void set.value.isKept.then((isKept) =>
    answer(isKept ? { kind: "done" } : { kind: "refused", detail: "not_kept" }),
  );
}

function requestOf(override: DoorOverride): Parameters<DoorController["override"]>[1] {
  if (override.posture === "none") return "clear";
  const { posture, until } = override;
  return { posture, until: until === "cleared" ? "cleared" : "next_change" };
}

type Where = Pick<Command<"enrol">, "reader" | "attempt">;

/** Says why, and journals it. */
function refusing(options: RemoteHandlersOptions, where: Where, answer: AnswerCommand) {
  return (why: "no_radio" | "busy" | "tampered"): void => {
    answer({ kind: "refused", detail: why });
    recordEnrolment(options, where, why);
  };
}

function recordEnrolment(
  { record }: RemoteHandlersOptions,
  where: Where,
  outcome: EnrolmentOutcome,
): void {
  record({ kind: "enrolment", ...where, outcome });
}
