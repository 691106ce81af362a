import type { Notice } from "./notice.ts";
import type { PassRow } from "./store/store-schema.ts";

/**
 * What is told of a pass that became another. Whose it is, and until when, is told nobody: Seam has no
 * word for that.
 */
export function noticesOfPass(
  before: PassRow | undefined,
  after: PassRow | undefined,
): readonly Notice[] {
  const type = typeOf(before, after);
  const credential = (after ?? before)?.uuid;
  return type === undefined || credential === undefined ? [] : [{ type, credential }];
}

type PassNoticeType = Extract<Notice, { readonly credential: string }>["type"];

function typeOf(
  before: PassRow | undefined,
  after: PassRow | undefined,
): PassNoticeType | undefined {
  if (after === undefined) return before === undefined ? undefined : "acs_credential.deleted";
  if (after.state !== "issued") {
    // One that is to be written anew opens nothing until it is.
    return before?.state === "issued" ? "acs_credential.invalidated" : undefined;
  }
  if (before?.state !== "issued") return "acs_credential.issued";
  if (before.active === 1 && after.active === 0) return "acs_credential.invalidated";
  const isPresentedOtherwise =
    before.raw !== after.raw ||
    before.pinDigest !== after.pinDigest ||
    before.active !== after.active;
  return isPresentedOtherwise ? "acs_credential.reissued" : undefined;
}
