import type { PinDigest } from "../domain/credential.ts";
import type { AreaId, PassId, UserId } from "../domain/ids.ts";
import type { DenialReason } from "../domain/reason.ts";
import type { AccessTable } from "./access-table/access-table.ts";
import type { Crossing } from "./access-table/crossing.ts";
import {
  type AccessRequest,
  judge,
  lookUp,
  type Missing,
  type Subject,
  type Verdict,
} from "./checks.ts";
import { pinUsesOf } from "./pass-checks.ts";
import type { Passage } from "./premises.ts";
import {
  companionOf,
  isManager,
  mayEscort,
  passbackViolation,
  presumedArea,
} from "./premises-checks.ts";
import { isPinSecond } from "./subject.ts";

export type { AccessRequest, Company } from "./checks.ts";

interface Named {
  readonly pass: PassId;
  readonly user: UserId;
}

type Writable<Record> = { -readonly [Field in keyof Record]: Record[Field] };

/** One person who is let through, and what is to be done about it. */
export interface Admission extends Named {
  /** The user's number in the table that decided: for `afterGrant` of core/posture, at once. */
  readonly userNumber: number;
  /** Of a pass with a use count: how many this controller will have granted, this grant included. */
  readonly use?: number;
  /** Likewise of the PIN that completed the card, where that PIN has a use count. */
  readonly pinUse?: { readonly pass: PassId; readonly use: number };
  /** Present where it matters to some area of the door who is where. */
  readonly passage?: Passage;
  /** The strike and the leaf have `extraTimeMs` longer. */
  readonly extraTime?: true;
  /** May escort: visitors may follow for a while. */
  readonly escorts?: true;
  /** Unlocks the door until it is granted there again. */
  readonly toggles?: true;
  /** Soft anti-passback tells: where the user was thought to be. Absent `area`: in none. */
  readonly passbackFrom?: { readonly area?: AreaId };
}

export interface Granted extends Admission {
  readonly kind: "granted";
  /** Who waited and is let through together with the presenter. */
  readonly along?: Admission;
}

/**
 * `pin_required`, `second_person_required`, `escort_required`: everything before passed and the door
 * asks for a PIN after the card, or for company. Somebody whom an earlier check denies is denied at
 * once and never asked. A denial names the pass and user that were presented, where they are known:
 * of a card and a PIN, the card's. `duress` is the pass of a duress PIN, whatever was decided.
 */
export type Decision = (
  | Granted
  | ({ readonly kind: Missing } & Named)
  | {
      readonly kind: "denied";
      readonly reason: DenialReason;
      readonly pass?: PassId;
      readonly user?: UserId;
    }
) & { readonly duress?: Named };

/** Pure but for what schedules remember to be quick; the same arguments give the same decision. */
export function authorize(table: AccessTable | undefined, request: AccessRequest): Decision {
  const subject = lookUp(table, request);
  return decisionOn(subject, judge(subject));
}

/** The decision that the first verdict other than `passed` amounts to, or `passed` for none. */
export function decisionOn(subject: Subject, verdict: Verdict): Decision {
  const decision = decisionWithoutDuress(subject, verdict);
  const duress = duressPass(subject);
  return duress < 0 ? decision : { ...decision, duress: namesOf(subject, duress) };
}

function decisionWithoutDuress(subject: Subject, verdict: Verdict): Decision {
  const { pass } = subject;
  if (pass < 0) {
    // A grant without a pass cannot be put into words, so it cannot be made by mistake.
    if (verdict === "passed" || isMissing(verdict)) {
      throw new Error(`${verdict} for a pass that is not there`);
    }
    return { kind: "denied", reason: verdict };
  }
  if (verdict === "passed") return grantOf(subject);
  const { pass: passName, user } = namesOf(subject, pass);
  if (isMissing(verdict)) return { kind: verdict, pass: passName, user };
  return { kind: "denied", reason: verdict, pass: passName, user };
}

function grantOf(subject: Subject): Granted {
  const { table, pass, user, crossing } = subject;
  const id = table.passes.id(pass);
  const name = table.passes.userId(pass);
  const passage = crossing && passageOf(subject, name, crossing);
  // Written out, because a field that is added later costs a decision more than one that was there.
  const granted: Writable<Granted> =
    passage === undefined
      ? { kind: "granted", pass: id, user: name, userNumber: user }
      : { kind: "granted", pass: id, user: name, userNumber: user, passage };
  fillIn(subject, granted);
  const companion = companionOf(subject);
  if (companion !== undefined) granted.along = alongOf(companion);
  return granted;
}

function alongOf(companion: Subject): Admission {
  const { pass, user } = namesOf(companion, companion.pass);
  const { crossing } = companion;
  const along: Writable<Admission> = { pass, user, userNumber: companion.user };
  if (crossing !== undefined) along.passage = passageOf(companion, user, crossing);
  fillIn(companion, along);
  return along;
}

/** What few admissions have. */
function fillIn(subject: Subject, admission: Writable<Admission>): void {
  const { table, pass, user, crossing, uses } = subject;
  if (uses !== undefined) admission.use = uses.spentHere + 1;
  const pinUses = pinUsesOf(subject);
  if (pinUses !== undefined) {
    admission.pinUse = { pass: table.passes.id(subject.second), use: pinUses.spentHere + 1 };
  }
  if (table.hasTrait(user, "extra_time")) admission.extraTime = true;
  if (mayEscort(subject)) admission.escorts = true;
  if (table.passes.hasTrait(pass, "toggle")) admission.toggles = true;
  // Asked again only where the answer can be yes.
  if (crossing?.from?.passback !== "soft" && crossing?.to?.passback !== "soft") return;
  if (passbackViolation(subject) !== "soft") return;
  const area = presumedArea(subject);
  admission.passbackFrom = area === undefined ? {} : { area };
}

function passageOf(subject: Subject, user: UserId, { to }: Crossing): Passage {
  const asManager = isManager(subject);
  return to === undefined
    ? { user, isManager: asManager }
    : { user, to: to.id, isManager: asManager };
}

function namesOf({ table: { passes } }: Subject, pass: number): Named {
  return { pass: passes.id(pass), user: passes.userId(pass) };
}

/** The pass of a duress PIN that was presented, alone or after a card; or -1. */
function duressPass({ table, pass, second, request: { presented } }: Subject): number {
  const shown = isPinSecond(presented) ? second : pass;
  return isDuress(table, shown) ? shown : -1;
}

function isDuress({ passes }: AccessTable, pass: number): boolean {
  if (pass < 0 || !passes.hasTrait(pass, "duress") || !passes.isActive(pass)) return false;
  return passes.kind(pass) === "pin";
}

/** The duress that a PIN calls out though it is not judged, as while its keypad is paused. */
export function duressOf(table: AccessTable | undefined, pin: PinDigest): Named | undefined {
  const pass = table?.passes.findPin(pin) ?? -1;
  if (table === undefined || !isDuress(table, pass)) return undefined;
  return { pass: table.passes.id(pass), user: table.passes.userId(pass) };
}

/** Whether the door asks for more instead of deciding. */
export function isMissing(verdict: Verdict): verdict is Missing {
  return (
    verdict === "pin_required" ||
    verdict === "second_person_required" ||
    verdict === "escort_required"
  );
}
