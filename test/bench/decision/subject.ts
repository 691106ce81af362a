import type { AccessRequest, Decision } from "../../../src/core/authorize.ts";
import type { DenialReason } from "../../../src/domain/reason.ts";

/** What subjects have in common to say: peers know nothing of what else a grant asks for. */
export type Outcome =
  | { readonly kind: Exclude<Decision["kind"], "denied"> }
  | { readonly kind: "denied"; readonly reason: DenialReason };

/** A site of `passCount` passes, loaded: what it decides of a request. */
export type Decide = (request: AccessRequest) => Outcome;

/** Loads the site of world.ts; what it needed for loading only, it lets go of. */
export type LoadSubject = (passCount: number) => Promise<Decide>;
