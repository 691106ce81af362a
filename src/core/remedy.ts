import { type EpochMs, epochMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { asksTwoFactors } from "./pass-checks.ts";
import { comesTwice } from "./premises-checks.ts";
import type { Subject, Verdict } from "./subject.ts";
import { rulesHere, tellInstant, userOf } from "./subject-words.ts";

/** Finding out when more of them open would hold up who stands at a door. */
const schedulesAskedMax = 64;

/**
 * What would have to change for the check that gave this verdict to pass, as a sentence for people.
 * `pass` is the one concerned: of a PIN after a card, the PIN's.
 */
export function remedyOf(
  subject: Subject,
  verdict: Exclude<Verdict, "passed">,
  pass: number,
): string {
  const { table, request } = subject;
  switch (verdict) {
    case "no_table":
      return "Connect the controller to its site until a table has arrived.";
    case "door_unknown":
      return `Add door ${request.door} to the site's doors of this controller.`;
    case "door_disabled":
      return `${remedyOfPosture(subject)}.`;
    case "lockdown":
      return `${remedyOfPosture(subject)}, or present a pass-through pass.`;
    case "tampered":
      return "See who is at the reader and the enclosure, and close them.";
    case "unknown_credential":
      return request.presented.pass === undefined
        ? "Issue a pass that presents exactly this."
        : `Issue pass ${request.presented.pass}, or ask about another.`;
    case "pass_inactive":
      return `Activate pass ${table.passes.id(pass)}.`;
    case "user_suspended":
      return `Unsuspend user ${userOf(subject)}.`;
    case "clock_unknown":
      return "Give the controller the time, or let the door allow while the time is not known.";
    case "not_yet_valid":
      return `Wait until ${tellInstant(table, table.passes.startsAt(pass))}, or start the pass earlier.`;
    case "expired":
      return `Extend pass ${table.passes.id(pass)}, or issue another.`;
    case "over_limit":
      return `Give pass ${table.passes.id(pass)} more uses, or issue another.`;
    case "no_access":
      return `Add user ${userOf(subject)} and door ${request.door} to one rule.`;
    case "outside_schedule":
      return remedyOfSchedules(subject);
    case "pin_alone_not_allowed":
      return asksTwoFactors(subject)
        ? "Present a card first, and then the PIN."
        : "Present a card, or let this door open to a card or a PIN.";
    case "pin_required":
      return "Enter the user's PIN now.";
    case "wrong_pin":
      return `Enter the PIN of user ${userOf(subject)}, or issue them one.`;
    case "pin_of_another_user":
      return `Enter the PIN of user ${userOf(subject)}, whose card it is.`;
    default:
      return remedyOfPremises(subject, verdict);
  }
}

type PremisesVerdict = Extract<
  Verdict,
  | "passback"
  | "passback_timed"
  | "interlock"
  | "second_person_required"
  | "same_person_twice"
  | "escort_required"
  | "area_full"
  | "manager_not_in"
>;

function remedyOfPremises(subject: Subject, verdict: PremisesVerdict): string {
  const { crossing, settings, request } = subject;
  const area = crossing?.to?.id;
  switch (verdict) {
    case "passback":
      if (comesTwice(subject)) return remedyOfComingTwice(subject);
      return `Let user ${userOf(subject)} pass the reader that was missed, or forgive them.`;
    case "passback_timed":
      if (comesTwice(subject)) return remedyOfComingTwice(subject);
      return `${remedyOfTimedPassback(subject)}, or forgive user ${userOf(subject)}.`;
    case "interlock": {
      const open = settings?.interlock.filter((door) => !request.premises.isShut(door)) ?? [];
      return `Shut ${open.map((door) => `door ${door}`).join(" and ")}, and wait until secured.`;
    }
    case "second_person_required":
      return "Let a second person who has access here present theirs now.";
    case "same_person_twice":
      return "Let another person than the one who waits present theirs.";
    case "escort_required":
      return "Let somebody who may escort present theirs now.";
    case "area_full":
      return `Let somebody leave area ${area} first, or let it hold more.`;
    case "manager_not_in":
      return `Let a manager enter area ${area} first.`;
    default:
      return unreachable(verdict);
  }
}

function remedyOfPosture({ table, posture, request }: Subject): string {
  if (posture?.cause !== "operator") return "Change the door's posture at the site";
  const until = request.premises.postureState(request.door).override?.until;
  return until === undefined
    ? "Clear the operator's override"
    : `Wait until ${tellInstant(table, until)}, or clear the operator's override`;
}

function remedyOfComingTwice(subject: Subject): string {
  return `Let user ${userOf(subject)} go in by the other door, or wait until that is locked again.`;
}

function remedyOfTimedPassback({ table, request, crossing, pass }: Subject): string {
  const recorded = request.premises.whereabouts(table.passes.userId(pass));
  const lasts = crossing?.to?.passbackMs;
  if (recorded === undefined || lasts === undefined) return "Wait";
  const waitMs = Math.max(0, lasts - (request.now - recorded.since));
  return request.wall.quality === "unknown"
    ? `Wait for ${Math.ceil(waitMs / 1_000)} s`
    : `Wait until ${tellInstant(table, roundedUp(request.wall.at + waitMs))}`;
}

/** Told to the second, a time to wait for must not be one that is too early. */
function roundedUp(ms: number): EpochMs {
  return epochMs(Math.ceil(ms / 1_000) * 1_000);
}

function remedyOfSchedules(subject: Subject): string {
  const { table, request } = subject;
  const schedules = new Set(rulesHere(subject).map((rule) => table.rules.schedule(rule)));
  let opensAt = Infinity;
  for (const schedule of [...schedules].slice(0, schedulesAskedMax)) {
    // Each of them is closed, or the check would have passed; so the next change is an opening.
    const next = table.schedule(schedule).compiled.nextChangeAt(request.wall.at);
    opensAt = Math.min(opensAt, next ?? Infinity);
  }
  const widen = "widen a schedule of these rules";
  const isEachAsked = schedules.size <= schedulesAskedMax;
  if (opensAt === Infinity) {
    return isEachAsked
      ? `None of the schedules ever opens: ${widen}.`
      : `Wait until one of the ${schedules.size} schedules opens, or ${widen}.`;
  }
  const until = `Wait until ${tellInstant(table, epochMs(opensAt))}`;
  return `${until}${isEachAsked ? "" : " at the latest"}, or ${widen}.`;
}
