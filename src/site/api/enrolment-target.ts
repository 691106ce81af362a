import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { type EnrolmentTarget, expectedFor, waitsForCard } from "../fill-target.ts";
import type { Expected } from "../read-credential.ts";
import { asField, findPass, findUser, type Rows } from "./acs/find-rows.ts";
import { type ApiFault, inputFault } from "./api-fault.ts";
import { uuidText } from "./schema-parts.ts";

/** Whose or what is presented at a reader is to be. */
export const whose = {
  /** For a new credential of this user's. */
  acs_user_id: v.exactOptional(uuidText),
  /** For this one, which waits for its card, or is for phones. */
  acs_credential_id: v.exactOptional(uuidText),
};
type Whose = { readonly acs_user_id?: string; readonly acs_credential_id?: string };

/** Which pass is to be filled, and what with. */
export interface AskedTarget {
  readonly expects: Expected;
  readonly target?: EnrolmentTarget;
}

export async function targetOf(
  rows: Rows,
  { acs_user_id: user, acs_credential_id: pass }: Whose,
): Promise<Result<AskedTarget, ApiFault>> {
  if (user !== undefined && pass !== undefined) {
    return fail(inputFault({ acs_credential_id: ["expected it or acs_user_id, not both"] }));
  }
  if (user !== undefined) {
    const row = asField(await findUser(rows, user), "acs_user_id");
    return row.ok ? succeed({ expects: "card", target: { user: row.value.id } }) : row;
  }
  if (pass === undefined) return succeed({ expects: "card" });
  const row = asField(await findPass(rows, pass), "acs_credential_id");
  if (!row.ok) return row;
  if (row.value.isMultiPhone === 1 || waitsForCard(row.value)) {
    return succeed({ expects: expectedFor(row.value), target: { pass: row.value.id } });
  }
  const expected = "expected one that waits for its card, or is for phones";
  return fail(inputFault({ acs_credential_id: [expected] }));
}
