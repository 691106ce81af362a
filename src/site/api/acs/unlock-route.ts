import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import { unreachable } from "../../../domain/unreachable.ts";
import { siteDoorOf } from "../../model-rows.ts";
import { remoteUnlockPolicy } from "../../remote-unlock.ts";
import type { SiteHardware } from "../../site-hardware.ts";
import type { PassRow } from "../../store/store-schema.ts";
import { type ApiFault, inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { type ApiCall, jsonRoute, type Route } from "../route.ts";
import { uuidText } from "../schema-parts.ts";
import { actionAttemptJson } from "./action-attempt-json.ts";
import { asField, findDoor, findPass, type Rows } from "./find-rows.ts";

/** Behaviour 36. */
export function unlockRoute(site: ApiSite, hardware: SiteHardware): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/acs/entrances/unlock",
    role: "issue",
    summary: "Unlocks an entrance for its own time, as far as the site's remote_unlock allows it.",
    input: v.strictObject({
      acs_entrance_id: uuidText,
      /** Whose access decides. An administrator may leave it out. */
      acs_credential_id: v.exactOptional(uuidText),
    }),
    answer: { key: "action_attempt", is: "object", of: "action_attempt" },
    handle: async (input, call) => {
      const { rows } = site.issuer.store;
      const door = await findDoor(rows, input.acs_entrance_id);
      if (!door.ok) return door;
      const who = await whoUnlocks(rows, input.acs_credential_id, call);
      if (!who.ok) return who;
      const { id, controller } = siteDoorOf(door.value);
      const { author } = call;
      const order = { author, door: id, controller, ...who.value };
      const row = await hardware.unlocking.begin(order);
      return succeed({ action_attempt: await actionAttemptJson(site, row) });
    },
  });
}

/** Whose access is to be asked; nobody's for an administrator who names none. */
async function whoUnlocks(
  rows: Rows,
  uuid: string | undefined,
  { role }: ApiCall,
): Promise<Result<{ readonly pass?: PassRow }, ApiFault>> {
  const policy = await remoteUnlockPolicy(rows);
  if (!isAllowed(policy, role)) return notAllowed(policy);
  if (uuid === undefined) {
    if (role === "admin") return succeed({});
    return fail(inputFault({ acs_credential_id: ["expected this field"] }));
  }
  const pass = asField(await findPass(rows, uuid), "acs_credential_id");
  return pass.ok ? succeed({ pass: pass.value }) : pass;
}

function isAllowed(
  policy: Awaited<ReturnType<typeof remoteUnlockPolicy>>,
  role: ApiCall["role"],
): boolean {
  switch (policy) {
    case "off":
      return false;
    case "admins":
      return role === "admin";
    case "admins_and_users":
      return true;
    default:
      return unreachable(policy);
  }
}

function notAllowed(policy: string) {
  return fail<ApiFault>({
    status: 403,
    type: "remote_unlock_not_allowed",
    message: `The site's remote_unlock is ${policy}: this API key may not unlock doors.`,
  });
}
