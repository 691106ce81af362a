import * as v from "valibot";
import { fail, succeed } from "../../../domain/result.ts";
import { enrolmentMsMax, enrolmentMsMin } from "../../../protocols/sync/site-command.ts";
import type { SiteHardware } from "../../site-hardware.ts";
import { actionAttemptJson, scannedCardJson } from "../acs/action-attempt-json.ts";
import { credentialJson } from "../acs/credential-json.ts";
import { findReader, tooMany } from "../acs/encoder-routes.ts";
import { conflict, inputFault, notFound } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { targetOf, whose } from "../enrolment-target.ts";
import { jsonRoute, type Route } from "../route.ts";
import { uuidText } from "../schema-parts.ts";

const attempt = { key: "action_attempt", is: "object", of: "action_attempt" } as const;
const whichAttempt = { action_attempt_id: uuidText };

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
      "Has a reader wait: for a user's card, for what a credential expects, or for a card to be shown and " +
      "saved. A credential for phones expects a phone.",
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
      const asked = await targetOf(site.issuer.store.rows, input);
      if (!asked.ok) return asked;
      const { expects, target } = asked.value;
      if (expects === "phone" && input.from === "last_unknown") {
        return fail(inputFault({ from: ['expected "next_card": readers remember no phones'] }));
      }
      const begun = await hardware.enrolments.begin({
        place: place.value,
        author: call.author,
        from: input.from,
        expects,
        ...(target !== undefined && { target }),
        ...(input.listen_ms !== undefined && { listenMs: input.listen_ms }),
      });
      if (!begun.ok) return tooMany;
      return succeed({ action_attempt: await actionAttemptJson(site, begun.value) });
    },
  });
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
      const asked = await targetOf(rows, input);
      if (!asked.ok) return asked;
      const { expects, target } = asked.value;
      if (target === undefined) {
        return fail(inputFault({ acs_user_id: ["expected it or acs_credential_id"] }));
      }
      if (expects === "phone") {
        return fail(inputFault({ acs_credential_id: ["expected one that waits for a card"] }));
      }
      const { action_attempt_id: id } = input;
      const saved = await hardware.enrolments.save(call.author, id, target);
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
