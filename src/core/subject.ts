import type { DoorSettings } from "../domain/access.ts";
import type { DoorId, ReaderId } from "../domain/ids.ts";
import type { DenialReason } from "../domain/reason.ts";
import type { MonotonicMs, WallTime } from "../domain/time.ts";
import type { AccessTable } from "./access-table/access-table.ts";
import type { Crossing } from "./access-table/crossing.ts";
import type { Posture } from "./posture.ts";
import type { Premises } from "./premises.ts";
import type { Presented } from "./presented.ts";

/** One presentation at one door at one moment. */
export interface AccessRequest {
  readonly door: DoorId;
  /** Absent: no exit reader, and only the controller's own enclosure may be tampered with. */
  readonly reader?: ReaderId;
  readonly presented: Presented;
  readonly wall: WallTime;
  /** On the clock of `premises`. */
  readonly now: MonotonicMs;
  readonly premises: Premises;
  /** Absent: nobody but the presenter is there. */
  readonly company?: Company;
}

/** Who is at the door beside the presenter. */
export interface Company {
  /** Who was presented before and waits for a second person or an escort. */
  readonly waiting?: Presented;
  /** Somebody who may escort the presenter is known to come along. */
  readonly isEscorted: boolean;
}

/** The reasons that the checks give; the others are given by the machines around them. */
export type CheckedReason = Extract<
  DenialReason,
  | "no_table"
  | "door_unknown"
  | "door_disabled"
  | "lockdown"
  | "tampered"
  | "unknown_credential"
  | "pass_inactive"
  | "user_suspended"
  | "clock_unknown"
  | "not_yet_valid"
  | "expired"
  | "over_limit"
  | "no_access"
  | "outside_schedule"
  | "pin_alone_not_allowed"
  | "wrong_pin"
  | "pin_of_another_user"
  | "passback"
  | "passback_timed"
  | "interlock"
  | "same_person_twice"
  | "area_full"
  | "manager_not_in"
>;

/** What is missing where everything so far was good: it is asked for, and nobody is denied yet. */
export type Missing = "pin_required" | "second_person_required" | "escort_required";

export type Verdict = "passed" | Missing | CheckedReason;

/** A request with what the table has about it: door, pass and user by number, -1 for none. */
export interface Subject {
  readonly table: AccessTable;
  readonly request: AccessRequest;
  readonly door: number;
  readonly settings: DoorSettings | undefined;
  readonly posture: Posture | undefined;
  readonly direction: "entering" | "leaving";
  /** Undefined where it does not matter to this door's areas who is where. */
  readonly crossing: Crossing | undefined;
  readonly pass: number;
  readonly user: number;
  /** The pass of the PIN that came after a card, or -1. */
  readonly second: number;
  /** Of the pass: undefined where it is good for any number of grants. */
  readonly uses: PassUses | undefined;
  /** Who waits for company here, and how far he came without any. */
  readonly waiting: { readonly subject: Subject; readonly verdict: Verdict } | undefined;
}

/** How often a pass was granted by this controller, and how often it still may be at this moment. */
export interface PassUses {
  readonly spentHere: number;
  readonly left: number;
}

/** Whether the PIN came after a card, to complete it. */
export function isPinSecond({ card, pass, pin }: Presented): boolean {
  return pin !== undefined && (card !== undefined || pass !== undefined);
}

/** A PIN that no card came before. */
export function isPinAlone({ table, request: { presented }, pass }: Subject): boolean {
  if (presented.card !== undefined) return false;
  return presented.pass === undefined || table.passes.kind(pass) === "pin";
}

/** What the time counts for at this door; a time nobody vouches for as the door says. */
export function trustInTime({ request, settings }: Subject): "known" | "deny" | "allow" {
  if (request.wall.quality !== "unknown") return "known";
  return settings?.clockUnknown ?? "deny";
}

/** Whether the rule is in force now, as far as its schedule goes and the time can be told. */
export function isInForce(subject: Subject, rule: number): boolean {
  const { table, request } = subject;
  const schedule = table.rules.schedule(rule);
  if (schedule < 0) return true;
  const time = trustInTime(subject);
  if (time !== "known") return time === "allow";
  return table.schedule(schedule).compiled.isOpen(request.wall.at);
}
