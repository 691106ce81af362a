import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type { UserRow } from "../../store/store-schema.ts";
import { type ApiFault, inputFault, notFound } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { uuidText } from "../schema-parts.ts";
import { findUser, type Rows } from "./find-rows.ts";

/** How Seam's requests name a user. User identities are of Seam's cloud; a site has none. */
export const whichUser = {
  acs_user_id: v.exactOptional(uuidText),
  acs_system_id: v.exactOptional(uuidText),
  user_identity_id: v.exactOptional(uuidText),
};

export interface WhichUser {
  readonly acs_user_id?: string;
  readonly acs_system_id?: string;
  readonly user_identity_id?: string;
}

export const noIdentities = "this site has no user identities; expected acs_user_id instead";

export async function findWhichUser(
  { identity }: ApiSite,
  rows: Rows,
  input: WhichUser,
): Promise<Result<UserRow, ApiFault>> {
  if (input.user_identity_id !== undefined) {
    return fail(inputFault({ user_identity_id: [noIdentities] }));
  }
  if (input.acs_user_id === undefined) {
    return fail(inputFault({ acs_user_id: ["expected this field"] }));
  }
  const system = isThisSystem(identity.systemId, input.acs_system_id);
  return system.ok ? await findUser(rows, input.acs_user_id) : system;
}

export function isThisSystem(
  systemId: string,
  given: string | undefined,
): Result<undefined, ApiFault> {
  return given === undefined || given === systemId ? succeed(undefined) : notFound("acs_system");
}
