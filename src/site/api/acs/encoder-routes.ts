import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import { type ReaderPlace, readerPlaces } from "../../reader-places.ts";
import type { SiteHardware } from "../../site-hardware.ts";
import { type ApiFault, inputFault, notFound } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { targetOf, whose } from "../enrolment-target.ts";
import { pageEntries, pageOf, parsePageCursor } from "../page.ts";
import { jsonRoute, type Route } from "../route.ts";
import { uuidList, uuidText } from "../schema-parts.ts";
import { actionAttemptJson } from "./action-attempt-json.ts";
import { asField, findPass } from "./find-rows.ts";
import { noIdentities } from "./user-input.ts";
import { isoOf } from "./user-json.ts";

const whichEncoder = { acs_encoder_id: uuidText };
const attempt = { key: "action_attempt", is: "object", of: "action_attempt" } as const;

/** Readers, at which cards are enrolled, and encoders, which write them: Seam's `acs_encoder`. */
export function encoderRoutes(site: ApiSite, hardware: SiteHardware): readonly Route[] {
  return [
    getRoute(site, hardware),
    listRoute(site, hardware),
    scanRoute(site, hardware),
    scanToAssignRoute(site, hardware),
    encodeRoute(site, hardware),
  ];
}

interface EncoderPlace {
  readonly id: string;
  readonly createdAt: number;
  readonly name: string;
  /** Absent: it only writes. */
  readonly reader?: ReaderPlace;
}

async function encoderPlaces(
  { site, issuer }: ApiSite,
  { encoders }: SiteHardware,
): Promise<readonly EncoderPlace[]> {
  const readers = await readerPlaces(issuer.store.rows, site);
  const known = new Set(readers.map(({ uuid }) => uuid));
  return [
    ...readers.map((reader) => ({
      id: reader.uuid,
      createdAt: reader.createdAt,
      name: `${reader.doorName}: reader ${reader.reader}`,
      reader,
    })),
    ...encoders.writers
      .filter(({ uuid }) => !known.has(uuid))
      .map(({ uuid, name }) => ({ id: uuid, createdAt: 0, name })),
  ];
}

function encoderJson({ id, createdAt, name }: EncoderPlace, { identity }: ApiSite) {
  return {
    acs_encoder_id: id,
    acs_system_id: identity.systemId,
    connected_account_id: identity.connectedAccountId,
    workspace_id: identity.workspaceId,
    created_at: isoOf(createdAt),
    display_name: name,
    errors: [],
  };
}

async function findEncoder(
  site: ApiSite,
  hardware: SiteHardware,
  uuid: string,
): Promise<Result<EncoderPlace, ApiFault>> {
  const found = (await encoderPlaces(site, hardware)).find(({ id }) => id === uuid);
  return found === undefined ? notFound("acs_encoder") : succeed(found);
}

/** A reader, at which a card can be presented. */
export async function findReader(
  site: ApiSite,
  hardware: SiteHardware,
  uuid: string,
): Promise<Result<ReaderPlace, ApiFault>> {
  const found = await findEncoder(site, hardware, uuid);
  if (!found.ok) return found;
  const { reader } = found.value;
  if (reader !== undefined) return succeed(reader);
  return fail(inputFault({ acs_encoder_id: ["expected a reader of a door: this one writes"] }));
}

function getRoute(site: ApiSite, hardware: SiteHardware): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/encoders/get",
    role: "read",
    summary: "Gets an encoder: a reader of a door, or what writes cards.",
    input: v.strictObject(whichEncoder),
    answer: { key: "acs_encoder", is: "object", of: "acs_encoder" },
    handle: async (input) => {
      const found = await findEncoder(site, hardware, input.acs_encoder_id);
      return found.ok ? succeed({ acs_encoder: encoderJson(found.value, site) }) : found;
    },
  });
}

const listInput = v.strictObject({
  acs_system_id: v.exactOptional(uuidText),
  acs_system_ids: v.exactOptional(uuidList),
  acs_encoder_ids: v.exactOptional(uuidList),
  ...pageEntries(),
});

function listRoute(site: ApiSite, hardware: SiteHardware): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/encoders/list",
    role: "read",
    summary: "Lists encoders: the readers of doors, and what writes cards.",
    input: listInput,
    answer: { key: "acs_encoders", is: "list", of: "acs_encoder", paged: true },
    handle: async (input, call) => {
      const after = parsePageCursor(input.page_cursor);
      if (!after.ok) return after;
      const { systemId } = site.identity;
      const systems = [
        ...(input.acs_system_ids ?? []),
        ...(input.acs_system_id === undefined ? [] : [input.acs_system_id]),
      ];
      const isHere = systems.length === 0 || systems.includes(systemId);
      const wanted = input.acs_encoder_ids;
      const all = isHere ? await encoderPlaces(site, hardware) : [];
      const chosen = all
        .filter(({ id }) => wanted === undefined || wanted.includes(id))
        .toSorted(newestFirst)
        .filter((place) => after.value === undefined || newestFirst(after.value, place) < 0);
      const { page, pagination } = pageOf(chosen, input.limit, call);
      const shown = page.map((place) => encoderJson(place, site));
      return succeed({ acs_encoders: shown, pagination });
    },
  });
}

type Placed = Pick<EncoderPlace, "createdAt" | "id">;

function newestFirst(a: Placed, b: Placed): number {
  if (a.createdAt !== b.createdAt) return b.createdAt - a.createdAt;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

/** Of one brand that Seam knows; taken, so that its client may say it, and without effect. */
const saltoMetadata = v.exactOptional(
  v.strictObject({ detect_new_tags: v.exactOptional(v.boolean("true or false")) }),
);

function scanRoute(site: ApiSite, hardware: SiteHardware): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/acs/encoders/scan_credential",
    role: "issue",
    summary: "Has a reader wait for a card, and tells whose it is. No door opens.",
    input: v.strictObject({ ...whichEncoder, salto_ks_metadata: saltoMetadata }),
    answer: attempt,
    handle: async (input, call) => {
      const place = await findReader(site, hardware, input.acs_encoder_id);
      if (!place.ok) return place;
      const begun = await hardware.enrolments.begin({
        place: place.value,
        author: call.author,
        from: "next_card",
        expects: "card",
      });
      if (!begun.ok) return tooMany;
      return succeed({ action_attempt: await actionAttemptJson(site, begun.value) });
    },
  });
}

function scanToAssignRoute(site: ApiSite, hardware: SiteHardware): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/acs/encoders/scan_to_assign_credential",
    role: "issue",
    summary:
      "Has a reader wait for a card, and makes it a credential of a user's; or, which Seam has no word " +
      "for, for what a credential expects: the next phone of a mobile key.",
    input: v.strictObject({
      ...whichEncoder,
      ...whose,
      user_identity_id: v.exactOptional(uuidText),
      salto_ks_metadata: saltoMetadata,
    }),
    answer: attempt,
    handle: async (input, call) => {
      if (input.user_identity_id !== undefined) {
        return fail(inputFault({ user_identity_id: [noIdentities] }));
      }
      if (input.acs_user_id === undefined && input.acs_credential_id === undefined) {
        return fail(inputFault({ acs_user_id: ["expected this field"] }));
      }
      const place = await findReader(site, hardware, input.acs_encoder_id);
      if (!place.ok) return place;
      const asked = await targetOf(site.issuer.store.rows, input);
      if (!asked.ok) return asked;
      const begun = await hardware.enrolments.begin({
        place: place.value,
        author: call.author,
        ...asked.value,
        from: "next_card",
      });
      if (!begun.ok) return tooMany;
      return succeed({ action_attempt: await actionAttemptJson(site, begun.value) });
    },
  });
}

function encodeRoute(site: ApiSite, hardware: SiteHardware): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/acs/encoders/encode_credential",
    role: "issue",
    summary: "Writes a credential to the card that lies on an encoder, and reads it back.",
    input: v.strictObject({
      ...whichEncoder,
      acs_credential_id: v.exactOptional(uuidText),
      access_method_id: v.exactOptional(uuidText),
    }),
    answer: attempt,
    handle: async (input, call) => {
      if (input.access_method_id !== undefined) {
        const expected = "this site has no access methods; expected acs_credential_id instead";
        return fail(inputFault({ access_method_id: [expected] }));
      }
      if (input.acs_credential_id === undefined) {
        return fail(inputFault({ acs_credential_id: ["expected this field"] }));
      }
      const encoder = await findEncoder(site, hardware, input.acs_encoder_id);
      if (!encoder.ok) return encoder;
      const { rows } = site.issuer.store;
      const pass = asField(await findPass(rows, input.acs_credential_id), "acs_credential_id");
      if (!pass.ok) return pass;
      const row = await hardware.encoders.encode(call.author, encoder.value.id, pass.value);
      return succeed({ action_attempt: await actionAttemptJson(site, row) });
    },
  });
}

export const tooMany = fail<ApiFault>({
  status: 429,
  type: "too_many_requests",
  message: "Too many readers wait for cards already.",
  headers: { "Retry-After": "30" },
});
