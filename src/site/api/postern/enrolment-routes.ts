import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import { enrolmentMsMax, enrolmentMsMin } from "../../../protocols/sync/site-command.ts";
import { type EnrolmentTarget, waitsForCard } from "../../fill-target.ts";
import type { SiteHardware } from "../../site-hardware.ts";
import { actionAttemptJson, scannedCardJson } from "../acs/action-attempt-json.ts";
import { credentialJson } from "../acs/credential-json.ts";
import { findReader, tooMany } from "../acs/encoder-routes.ts";
import { asField, findPass, findUser, type Rows } from "../acs/find-rows.ts";
import { type ApiFault, conflict, inputFault, notFound } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { jsonRoute, type Route } from "../route.ts";
import { uuidText } from "../schema-parts.ts";

const attempt = { key: "action_attempt", is: "object", of: "action_attempt" } as const;
const whichAttempt = { action_attempt_id: uuidText };

const whose = {
  /** For a new credential of this user's. */
  acs_user_id: v.exactOptional(uuidText),
  /** For this one, which waits for its card. */
  acs_credential_id: v.exactOptional(uuidText),
};
type Whose = { readonly acs_user_id?: string; readonly acs_credential_id?: string };

/** The administrator's form of enrolment: behaviours 13 to 16. */
export function enrolmentRoutes(site: ApiSite, hardware: SiteHardware): readonly Route[] {
  return [
    createRoute(site, hardware),
    cardRoute(site, hardware),
    cancelRoute(site, hardware),
    saveRoute(site, hardware),
  ];
}

const listenExpected = `a whole number of milliseconds, ${enrolmentMsMin} to ${enrolmentMsMax}`;

function createRoute(site: ApiSite, hardware: SiteHardware): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/enrolments/create",
    role: "issue",
    summary:
      "Has a reader wait for a card: for a user, for a credential that waits, or to be shown and saved.",
    input: v.strictObject({
      acs_encoder_id: uuidText,
      ...whose,
      from: v.exactOptional(
        v.picklist(["next_card", "last_unknown"], '"next_card" or "last_unknown"'),
        "next_card",
      ),
      listen_ms: v.exactOptional(
        v.pipe(
          v.number(listenExpected),
          v.integer(listenExpected),
          v.minValue(enrolmentMsMin, listenExpected),
          v.maxValue(enrolmentMsMax, listenExpected),
        ),
      ),
    }),
    answer: attempt,
    handle: async (input, call) => {
      const place = await findReader(site, hardware, input.acs_encoder_id);
      if (!place.ok) return place;
      const target = await targetOf(site.issuer.store.rows, input);
      if (!target.ok) return target;
      const begun = await hardware.enrolments.begin({
        place: place.value,
        author: call.author,
        from: input.from,
        ...(target.value !== undefined && { target: target.value }),
        ...(input.listen_ms !== undefined && { listenMs: input.listen_ms }),
      });
      if (!begun.ok) return tooMany;
      return succeed({ action_attempt: await actionAttemptJson(site, begun.value) });
    },
  });
}

async function targetOf(
  rows: Rows,
  { acs_user_id: user, acs_credential_id: pass }: Whose,
): Promise<Result<EnrolmentTarget | undefined, ApiFault>> {
  if (user !== undefined && pass !== undefined) {
    return fail(inputFault({ acs_credential_id: ["expected it or acs_user_id, not both"] }));
  }
  if (user !== undefined) {
    const row = asField(await findUser(rows, user), "acs_user_id");
    return row.ok ? succeed({ user: row.value.id }) : row;
  }
  if (pass === undefined) return succeed(undefined);
  const row = asField(await findPass(rows, pass), "acs_credential_id");
  if (!row.ok) return row;
  if (row.value.isMultiPhone === 1 || waitsForCard(row.value)) {
    return succeed({ pass: row.value.id });
  }
  return fail(inputFault({ acs_credential_id: ["expected one that waits for its card"] }));
}

function cardRoute(site: ApiSite, hardware: SiteHardware): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/enrolments/get_card",
    role: "issue",
    summary:
      "Gets what a reader saw of a card that was presented to be shown: its number is starred.",
    input: v.strictObject(whichAttempt),
    answer: { key: "scanned_card", is: "object", of: "scanned_card" },
    handle: async (input) => {
      const row = await hardware.attempts.find(input.action_attempt_id);
      if (row?.type !== "SCAN_CREDENTIAL" || row.status !== "success") {
        return notFound("scanned_card");
      }
      return succeed({ scanned_card: await scannedCardJson(site, row) });
    },
  });
}

function cancelRoute(site: ApiSite, hardware: SiteHardware): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/enrolments/cancel",
    role: "issue",
    summary: "Ends an enrolment that is under way.",
    input: v.strictObject(whichAttempt),
    answer: attempt,
    handle: async (input) => {
      await hardware.enrolments.cancel(input.action_attempt_id);
      const row = await hardware.attempts.find(input.action_attempt_id);
      if (row === undefined) return notFound("action_attempt");
      return succeed({ action_attempt: await actionAttemptJson(site, row) });
    },
  });
}

function saveRoute(site: ApiSite, hardware: SiteHardware): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/enrolments/save",
    role: "issue",
    summary: "Makes a card that was shown a credential: within 15 minutes, and once.",
    input: v.strictObject({ ...whichAttempt, ...whose }),
    answer: { key: "acs_credential", is: "object", of: "acs_credential" },
    handle: async (input, call) => {
      const { rows } = site.issuer.store;
      const target = await targetOf(rows, input);
      if (!target.ok) return target;
      if (target.value === undefined) {
        return fail(inputFault({ acs_user_id: ["expected it or acs_credential_id"] }));
      }
      const { action_attempt_id: id } = input;
      const saved = await hardware.enrolments.save(call.author, id, target.value);
      if (saved === undefined) {
        return conflict("card_not_remembered", "No such card is remembered; present it again.");
      }
      if (!saved.ok) return conflict("card_not_saved", saved.fault.message);
      const row = await rows
        .selectFrom("passes")
        .selectAll()
        .where("id", "=", saved.value)
        .executeTakeFirstOrThrow();
      return succeed(await credentialJson(site, rows, row));
    },
  });
}
