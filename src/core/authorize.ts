import type { PassId, UserId } from "../domain/ids.ts";
import type { DenialReason } from "../domain/reason.ts";
import type { AccessTable } from "./access-table/access-table.ts";
import { type AccessRequest, checks, lookUp, type Subject, type Verdict } from "./checks.ts";

export type { AccessRequest } from "./checks.ts";

/**
 * `pin_required`: everything else passed and the door asks for a PIN after the card. Somebody whom
 * the door would deny anyway is denied at once and never asked. A denial names the pass and user that
 * were presented, where they are known: of a card and a PIN, the card's.
 */
export type Decision =
  | { readonly kind: "granted"; readonly pass: PassId; readonly user: UserId }
  | { readonly kind: "pin_required"; readonly pass: PassId; readonly user: UserId }
  | {
      readonly kind: "denied";
      readonly reason: DenialReason;
      readonly pass?: PassId;
      readonly user?: UserId;
    };

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
    if (verdict === "passed" || verdict === "pin_required") {
      throw new Error(`${verdict} for a pass that is not there`);
    }
    return { kind: "denied", reason: verdict };
  }
  const passName = passes.id(pass);
  const userName = passes.userId(pass);
  switch (verdict) {
    case "passed":
      return { kind: "granted", pass: passName, user: userName };
    case "pin_required":
      return { kind: "pin_required", pass: passName, user: userName };
    default:
      return { kind: "denied", reason: verdict, pass: passName, user: userName };
  }
}
