import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import { unreachable } from "../../../domain/unreachable.ts";
import type { IssuingChange } from "../../issuer.ts";
import type { PassRow, UserRow } from "../../store/store-schema.ts";
import { type ApiFault, conflict, type FieldFaults, inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { issue } from "../issue.ts";
import { type ApiCall, jsonRoute, type Route } from "../route.ts";
import { instantText, textOf, trueOrFalse, uuidList, uuidText } from "../schema-parts.ts";
import { brandMetadata, keptMetadata } from "./brand-metadata.ts";
import { accessMethods, type ClearParts, credentialJson } from "./credential-json.ts";
import { asField, findUser, type Rows } from "./find-rows.ts";
import { type GivenCard, givenCard } from "./given-card.ts";
import { blankCardName, cardName, codeName, multiPhoneName } from "./pass-name.ts";
import { passSpan } from "./pass-span.ts";
import { drawPin, givenPin, hasPin } from "./pins.ts";
import { isThisSystem, noIdentities } from "./user-input.ts";
import { createPass, type NewPass } from "./write-pass.ts";

export const digitsText = v.pipe(textOf(40, "digits"), v.regex(/^[0-9]+$/, "digits"));

const input = v.strictObject({
  access_method: v.picklist(accessMethods, `one of ${accessMethods.join(", ")}`),
  acs_user_id: uuidText,
  acs_system_id: v.exactOptional(uuidText),
  user_identity_id: v.exactOptional(uuidText),
  credential_manager_acs_system_id: v.exactOptional(uuidText),
  allowed_acs_entrance_ids: v.exactOptional(uuidList, []),
  /** A PIN; of a card the number, as it was said before there was `card_number`. */
  code: v.exactOptional(digitsText),
  /** The fields of its format in their order, with colons between them. Ours, and not Seam's. */
  card_number: v.exactOptional(textOf(80)),
  card_format: v.exactOptional(textOf(32)),
  is_one_time_use: v.exactOptional(trueOrFalse, false),
  is_multi_phone_sync_credential: v.exactOptional(trueOrFalse, false),
  starts_at: v.exactOptional(instantText),
  ends_at: v.exactOptional(instantText),
  ...brandMetadata,
});

type Input = v.InferOutput<typeof input>;

export function credentialCreateRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/acs/credentials/create",
    role: "issue",
    summary: "Issues a code, a card or a mobile key. A code without digits is drawn.",
    input,
    answer: { key: "acs_credential", is: "object", of: "acs_credential" },
    handle: async (given, call) => {
      const faults = faultsOf(given);
      if (Object.keys(faults).length > 0) return fail(inputFault(faults));
      const issued = await issue(site, call, (change) => issuePass(site, given, { change, call }));
      if (!issued.ok) return issued;
      const { row, clear } = issued.value;
      // After the commit, so that it is told how far the doors are with what was made.
      return succeed(await credentialJson(site, site.issuer.store.rows, row, clear));
    },
  });
}

/** What does not go together, of what is in order by itself. */
function faultsOf(given: Input): FieldFaults {
  const { access_method: method, is_multi_phone_sync_credential: isMultiPhone } = given;
  const isCard = method === "card";
  const faults = new Map<string, readonly string[]>();
  const expect = (isMet: boolean, field: string, expected: string) => {
    if (!isMet) faults.set(field, [expected]);
  };
  expect(given.user_identity_id === undefined, "user_identity_id", noIdentities);
  expect(
    given.allowed_acs_entrance_ids.length === 0,
    "allowed_acs_entrance_ids",
    "expected none: access groups and /acs/entrances/grant_access say what a user may open",
  );
  expect(
    method !== "cloud_key",
    "access_method",
    "expected one of code, card, mobile_key: doors here have no cloud keys",
  );
  expect(
    isMultiPhone === (method === "mobile_key"),
    "is_multi_phone_sync_credential",
    method === "mobile_key"
      ? "expected true: a mobile key is issued for all of its user's phones"
      : "expected only with access_method mobile_key",
  );
  expect(
    method !== "mobile_key" || given.code === undefined,
    "code",
    "expected none: a phone has no code",
  );
  for (const field of ["card_number", "card_format"] as const) {
    expect(isCard || given[field] === undefined, field, "expected only with access_method card");
  }
  expect(
    given.card_number === undefined || given.code === undefined,
    "code",
    "expected card_number alone",
  );
  expect(
    !isCard || given.card_format === undefined || (given.card_number ?? given.code) !== undefined,
    "card_number",
    "expected the number of a card of this card_format",
  );
  return Object.fromEntries(faults);
}

interface Issued {
  readonly row: PassRow;
  readonly clear: ClearParts;
}

async function issuePass(
  site: ApiSite,
  given: Input,
  { change, call }: { readonly change: IssuingChange; readonly call: ApiCall },
): Promise<Result<Issued, ApiFault>> {
  for (const field of ["acs_system_id", "credential_manager_acs_system_id"] as const) {
    const system = isThisSystem(site.identity.systemId, given[field]);
    if (!system.ok) return asField(system, field);
  }
  const user = asField(await findUser(change.rows, given.acs_user_id), "acs_user_id");
  if (!user.ok) return user;
  const span = passSpan(given, call.at);
  if (!span.ok) return span;
  const presented = await presentedBy(site, change.rows, given, user.value);
  if (!presented.ok) return presented;
  const { startsAt, endsAt, warnings } = span.value;
  const row = await createPass(change, {
    ...presented.value.pass,
    userId: user.value.id,
    startsAt,
    endsAt,
    usesMax: given.is_one_time_use ? 1 : null,
    brandMetadata: keptMetadata(given),
    warnings: JSON.stringify(warnings),
  });
  return succeed({ row, clear: presented.value.clear });
}

interface PresentedParts {
  readonly pass: Omit<NewPass, "userId">;
  readonly clear: ClearParts;
}

async function presentedBy(
  site: ApiSite,
  rows: Rows,
  given: Input,
  user: UserRow,
): Promise<Result<PresentedParts, ApiFault>> {
  const { access_method: method } = given;
  switch (method) {
    case "code":
      return await pinParts(site, rows, given, user);
    case "card":
      return await cardParts(rows, given);
    case "mobile_key": {
      const pass = { kind: "mobile", displayName: multiPhoneName, isMultiPhone: 1 } as const;
      return succeed({ pass: { ...pass, state: "waiting" }, clear: {} });
    }
    case "cloud_key":
      return fail(inputFault({ access_method: ["expected one of code, card, mobile_key"] }));
    default:
      return unreachable(method);
  }
}

async function pinParts(
  site: ApiSite,
  rows: Rows,
  { code }: Input,
  user: UserRow,
): Promise<Result<PresentedParts, ApiFault>> {
  if (await hasPin(rows, user.id, false)) {
    return conflict("user_has_code", "The user has a code already; update or delete that one.");
  }
  const pin = code === undefined ? await drawPin(site, rows) : await givenPin(site, rows, code);
  if (!pin.ok) return pin;
  const { digits, digest } = pin.value;
  return succeed({
    pass: { kind: "pin", displayName: codeName(digits), pinDigest: digest },
    clear: { code: digits },
  });
}

async function cardParts(rows: Rows, given: Input): Promise<Result<PresentedParts, ApiFault>> {
  const { card_format: format, card_number: inNumber, code } = given;
  const number = inNumber ?? code;
  if (number === undefined) {
    const pass = { kind: "nfc_card", displayName: blankCardName, state: "waiting" } as const;
    return succeed({ pass, clear: {} });
  }
  const field = inNumber === undefined ? "code" : "card_number";
  const card = await givenCard(rows, { format, number, field });
  if (!card.ok) return card;
  const free = await freeCard(rows, card.value, { field });
  if (!free.ok) return free;
  return succeed({
    pass: { kind: "csn_card", ...free.value },
    clear: { cardNumber: number, ...(code !== undefined && { code }) },
  });
}

/** What a row has of a card that no pass but `of` is. */
export async function freeCard(
  rows: Rows,
  { format, fields, raw, printed }: GivenCard,
  { field, of }: { readonly field: string; readonly of?: string },
): Promise<Result<Pick<PassRow, "displayName" | "raw" | "cardFormat" | "cardFields">, ApiFault>> {
  const taken = await rows
    .selectFrom("passes")
    .select("id")
    .where("raw", "=", raw)
    .executeTakeFirst();
  if (taken !== undefined && taken.id !== of) {
    return conflict("duplicate_card", "Another credential is this card.", {
      [field]: ["expected a card that no other credential is"],
    });
  }
  return succeed({
    displayName: cardName(printed),
    raw,
    cardFormat: format,
    cardFields: JSON.stringify(fields),
  });
}
