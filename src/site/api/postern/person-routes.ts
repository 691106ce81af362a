import * as v from "valibot";
import { type PassTrait, passTraits, type UserTrait, userTraits } from "../../../domain/access.ts";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import { passUsesMax } from "../../../protocols/sync/table-content-schema.ts";
import { oneOf } from "../../../protocols/toml/toml-schema.ts";
import type { PassRow, UserRow } from "../../store/store-schema.ts";
import { digitsText } from "../acs/credential-create.ts";
import { asField, findPass, findUser, type Rows } from "../acs/find-rows.ts";
import { codeName } from "../acs/pass-name.ts";
import { drawPin, givenPin, hasPin } from "../acs/pins.ts";
import { isoOf } from "../acs/user-json.ts";
import { createPass, updatePass } from "../acs/write-pass.ts";
import { updateUser } from "../acs/write-user.ts";
import { type ApiFault, conflict, inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { issue } from "../issue.ts";
import { jsonRoute, type Route } from "../route.ts";
import { countUpTo, trueOrFalse, uuidText } from "../schema-parts.ts";

const whichUser = { acs_user_id: uuidText };
const whichPass = { acs_credential_id: uuidText };

/** What Seam's words do not reach: traits, uses, PINs under duress. */
export function personRoutes(site: ApiSite): readonly Route[] {
  return [
    getUserRoute(site),
    updateUserRoute(site),
    getPassRoute(site),
    updatePassRoute(site),
    duressRoute(site),
  ];
}

function userJson({ uuid, id, name, suspended, traits, origin }: UserRow) {
  return {
    acs_user_id: uuid,
    id,
    name,
    suspended: suspended === 1,
    traits: JSON.parse(traits) as unknown,
    origin,
  };
}

const userAnswer = { key: "user", is: "object", of: "user" } as const;

function getUserRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/users/get",
    role: "read",
    summary: "Gets a user's traits, and what tables and events call them.",
    input: v.strictObject(whichUser),
    answer: userAnswer,
    handle: async (input) => {
      const row = await findUser(issuer.store.rows, input.acs_user_id);
      return row.ok ? succeed({ user: userJson(row.value) }) : row;
    },
  });
}

function updateUserRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["PATCH", "POST"],
    path: "/postern/users/update",
    role: "issue",
    summary: "Changes a user's traits.",
    input: v.strictObject({
      ...whichUser,
      traits: v.array(oneOf(userTraits), "a list of traits"),
    }),
    answer: userAnswer,
    handle: async ({ acs_user_id: uuid, traits }, call) => {
      const fault = repeatFault(traits) ?? escortFault(traits);
      if (fault !== undefined) return fail(fault);
      return await issue(site, call, async (change) => {
        const row = await findUser(change.rows, uuid);
        if (!row.ok) return row;
        const next = await updateUser(change, row.value, { traits: JSON.stringify(traits) });
        return succeed({ user: userJson(next) });
      });
    },
  });
}

function repeatFault(traits: readonly string[]): ApiFault | undefined {
  const index = traits.findIndex((trait, at) => traits.indexOf(trait) < at);
  return index < 0 ? undefined : inputFault({ [`traits.${index}`]: ["expected each trait once"] });
}

/** Two such visitors would let each other in. */
function escortFault(traits: readonly UserTrait[]): ApiFault | undefined {
  if (!traits.includes("needs_escort") || !traits.includes("may_escort")) return undefined;
  return inputFault({ traits: ['expected not both "needs_escort" and "may_escort"'] });
}

async function passJson(rows: Rows, row: PassRow) {
  const user = await rows
    .selectFrom("users")
    .select(["uuid", "id"])
    .where("id", "=", row.userId ?? "")
    .executeTakeFirst();
  return {
    pass: {
      acs_credential_id: row.uuid,
      id: row.id,
      acs_user_id: user?.uuid ?? null,
      user: user?.id ?? null,
      kind: row.kind,
      state: row.state,
      active: row.active === 1,
      starts_at: row.startsAt === null ? null : isoOf(row.startsAt),
      ends_at: row.endsAt === null ? null : isoOf(row.endsAt),
      uses: row.usesMax,
      traits: JSON.parse(row.traits) as unknown,
      card_format: row.cardFormat,
      display_name: row.displayName,
      origin: row.origin,
    },
  };
}

const passAnswer = { key: "pass", is: "object", of: "pass" } as const;

function getPassRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/passes/get",
    role: "read",
    summary: "Gets a pass's traits and uses, and what tables and events call it.",
    input: v.strictObject(whichPass),
    answer: passAnswer,
    handle: async (input) => {
      const { rows } = issuer.store;
      const row = await findPass(rows, input.acs_credential_id);
      return row.ok ? succeed(await passJson(rows, row.value)) : row;
    },
  });
}

function updatePassRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["PATCH", "POST"],
    path: "/postern/passes/update",
    role: "issue",
    summary: "Changes a pass's traits, how often it may be used, or whether it works.",
    input: v.strictObject({
      ...whichPass,
      active: v.exactOptional(trueOrFalse),
      /** Null: any number. */
      uses: v.exactOptional(v.nullable(countUpTo(passUsesMax))),
      traits: v.exactOptional(v.array(oneOf(passTraits), "a list of traits")),
    }),
    answer: passAnswer,
    handle: async ({ acs_credential_id: uuid, active, uses, traits }, call) => {
      const repeated = repeatFault(traits ?? []);
      if (repeated !== undefined) return fail(repeated);
      return await issue(site, call, async (change) => {
        const row = await findPass(change.rows, uuid);
        if (!row.ok) return row;
        const fault = await duressFault(change.rows, row.value, traits);
        if (fault !== undefined) return fail(fault);
        const next = await updatePass(change, row.value, {
          ...(active !== undefined && { active: active ? 1 : 0 }),
          ...(uses !== undefined && { usesMax: uses }),
          ...(traits !== undefined && { traits: JSON.stringify(traits) }),
        });
        return succeed(await passJson(change.rows, next));
      });
    },
  });
}

async function duressFault(
  rows: Rows,
  row: PassRow,
  traits: readonly PassTrait[] | undefined,
): Promise<ApiFault | undefined> {
  if (traits === undefined) return undefined;
  const isDuress = traits.includes("duress");
  if (isDuress && row.kind !== "pin") {
    return inputFault({ traits: ['expected no trait "duress", as it is for PINs'] });
  }
  const wasDuress = row.traits.includes('"duress"');
  if (row.kind !== "pin" || row.userId === null || isDuress === wasDuress) return undefined;
  if (!(await hasPin(rows, row.userId, isDuress))) return undefined;
  return inputFault({ traits: ["expected a user who has no other PIN of this sort"] });
}

function duressRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/passes/create_duress_code",
    role: "issue",
    summary: "Issues a PIN that opens as the user's own does and raises a silent alarm.",
    input: v.strictObject({ ...whichUser, code: v.exactOptional(digitsText) }),
    answer: passAnswer,
    handle: async ({ acs_user_id: uuid, code }, call) =>
      await issue(site, call, async (change) => {
        const { rows } = change;
        const user = asField(await findUser(rows, uuid), "acs_user_id");
        if (!user.ok) return user;
        if (await hasPin(rows, user.value.id, true)) {
          return conflict("user_has_code", "The user has a code for duress already.");
        }
        const pin: Result<{ digits: string; digest: string }, ApiFault> =
          code === undefined ? await drawPin(site, rows) : await givenPin(site, rows, code);
        if (!pin.ok) return pin;
        const { digits, digest } = pin.value;
        const row = await createPass(change, {
          userId: user.value.id,
          kind: "pin",
          displayName: codeName(digits),
          pinDigest: digest,
          traits: '["duress"]',
        });
        const { pass } = await passJson(rows, row);
        return succeed({ pass: { ...pass, code: digits } });
      }),
  });
}
