import type { AreaId, PassId, UserId } from "../domain/ids.ts";
import type { DenialReason } from "../domain/reason.ts";
import type { AccessTable } from "./access-table/access-table.ts";
import {
  type AccessRequest,
  checks,
  lookUp,
  type Missing,
  type Subject,
  type Verdict,
} from "./checks.ts";
import type { Passage } from "./premises.ts";

export type { AccessRequest, Company } from "./checks.ts";

interface Named {
  readonly pass: PassId;
  readonly user: UserId;
}

/** One person who is let through, and what is to be done about it. */
export interface Admission extends Named {
  /** Of a pass with a use count: how many this controller will have granted, this grant included. */
  readonly use?: number;
  /** Present where it matters to some area of the door who is where. */
  readonly passage?: Passage;
  /** The strike and the leaf have `extraTimeMs` longer. */
  readonly extraTime?: true;
  /** Unlocks the door until it is granted there again. */
  readonly toggles?: true;
  /** Soft anti-passback tells: where the user was thought to be. Absent `area`: in none. */
  readonly passbackFrom?: { readonly area?: AreaId };
}

/**
 * `pin_required`, `second_person_required`, `escort_required`: everything before passed and the door
 * asks for a PIN after the card, or for company. Somebody whom an earlier check denies is denied at
 * once and never asked. A denial names the pass and user that were presented, where they are known:
 * of a card and a PIN, the card's. `duress` is the pass of a duress PIN, whatever was decided.
 */
export type Decision = (
  | ({
      readonly kind: "granted";
      /** Who waited and is let through together with the presenter. */
      readonly along?: Admission;
    } & Admission)
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
  for (const check of checks) {
    const verdict = check.judge(subject);
    if (verdict !== "passed") return decisionOn(subject, verdict);
  }
  return decisionOn(subject, "passed");
}

/** The decision that the first verdict other than `passed` amounts to, or `passed` for none. */
export function decisionOn({ table: { passes }, pass }: Subject, verdict: Verdict): Decision {
  if (pass < 0) {
    // A grant without a pass cannot be put into words, so it cannot be made by mistake.
    if (verdict === "passed" || isMissing(verdict)) {
      throw new Error(`${verdict} for a pass that is not there`);
    }
    return { kind: "denied", reason: verdict };
  }
  const passName = passes.id(pass);
  const userName = passes.userId(pass);
  if (verdict === "passed") return { kind: "granted", pass: passName, user: userName };
  if (isMissing(verdict)) return { kind: verdict, pass: passName, user: userName };
  return { kind: "denied", reason: verdict, pass: passName, user: userName };
}

/** Whether the door asks for more instead of deciding. */
export function isMissing(verdict: Verdict): verdict is Missing {
  return (
    verdict === "pin_required" ||
    verdict === "second_person_required" ||
    verdict === "escort_required"
  );
}
