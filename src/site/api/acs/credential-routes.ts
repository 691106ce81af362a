import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type { IssuingChange } from "../../issuer.ts";
import type { PassRow } from "../../store/store-schema.ts";
import { type ApiFault, conflict, inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { issue } from "../issue.ts";
import { contains } from "../like-pattern.ts";
import { isBeyond, isUpTo, type PageMark, pageEntries, pageOf, parsePageCursor } from "../page.ts";
import { type ApiCall, jsonRoute, type Route } from "../route.ts";
import { instantText, textOf, trueOrFalse, uuidText } from "../schema-parts.ts";
import { type SearchedList, searchRows } from "../search-rows.ts";
import { credentialCreateRoute, digitsText, freeCard } from "./credential-create.ts";
import { credentialJson, credentialsJson } from "./credential-json.ts";
import { asField, findPass, findUser, type Rows } from "./find-rows.ts";
import { givenCard } from "./given-card.ts";
import { codeName } from "./pass-name.ts";
import { givenPin, hasPin } from "./pins.ts";
import { isThisSystem, noIdentities } from "./user-input.ts";
import { deletePass, movePass, updatePass } from "./write-pass.ts";

const whichPass = { acs_credential_id: uuidText };
const answer = { key: "acs_credential", is: "object", of: "acs_credential" } as const;

export function credentialRoutes(site: ApiSite): readonly Route[] {
  return [
    credentialCreateRoute(site),
    getRoute(site),
    listRoute(site),
    updateRoute(site),
    deleteRoute(site),
    assignRoute(site),
    unassignRoute(site),
  ];
}

function getRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/credentials/get",
    role: "read",
    summary: "Gets a credential.",
    input: v.strictObject(whichPass),
    answer,
    handle: async (input) => {
      const { rows } = site.issuer.store;
      const row = await findPass(rows, input.acs_credential_id);
      return row.ok ? succeed(await credentialJson(site, rows, row.value)) : row;
    },
  });
}

const listInput = v.strictObject({
  acs_system_id: v.exactOptional(uuidText),
  acs_user_id: v.exactOptional(uuidText),
  user_identity_id: v.exactOptional(uuidText),
  created_before: v.exactOptional(instantText),
  is_multi_phone_sync_credential: v.exactOptional(trueOrFalse),
  search: v.exactOptional(textOf(200)),
  ...pageEntries(),
});

function listRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/acs/credentials/list",
    role: "read",
    summary: "Lists credentials, the newest first.",
    input: listInput,
    answer: { key: "acs_credentials", is: "list", of: "acs_credential", paged: true },
    handle: async (input, call) => {
      const { rows } = site.issuer.store;
      const system = isThisSystem(site.identity.systemId, input.acs_system_id);
      if (!system.ok) return system;
      const after = parsePageCursor(input.page_cursor);
      if (!after.ok) return after;
      const found = await listPasses(rows, input, after.value);
      const { page, pagination } = pageOf(found, input.limit, call);
      return succeed({ acs_credentials: await credentialsJson(site, rows, page), pagination });
    },
  });
}

async function listPasses(
  rows: Rows,
  input: v.InferOutput<typeof listInput>,
  after: PageMark | undefined,
): Promise<readonly PassRow[]> {
  const { acs_user_id: user, created_before: before, search, limit } = input;
  const { is_multi_phone_sync_credential: isMultiPhone } = input;
  if (input.user_identity_id !== undefined) return [];
  const from = (mark: PageMark | undefined, end?: PageMark) => {
    let query = rows.selectFrom("passes").orderBy("createdAt", "desc").orderBy("id", "desc");
    if (before !== undefined) query = query.where("createdAt", "<", before);
    if (isMultiPhone !== undefined) query = query.where("isMultiPhone", "=", isMultiPhone ? 1 : 0);
    if (user !== undefined) {
      query = query.where("userId", "=", (row) =>
        row.selectFrom("users").select("id").where("uuid", "=", user),
      );
    }
    if (mark !== undefined) query = query.where(isBeyond(mark));
    return end === undefined ? query : query.where(isUpTo(end));
  };
  if (search === undefined)
    return await from(after)
      .selectAll()
      .limit(limit + 1)
      .execute();
  const list: SearchedList<PassRow> = {
    endOf: (mark, count) =>
      from(mark)
        .select(["createdAt", "id"])
        .offset(count - 1)
        .limit(1)
        .executeTakeFirst(),
    sought: (mark, end, most) =>
      from(mark, end)
        .selectAll()
        .where((row) =>
          row.or([
            contains(row.fn<string>("lower", ["displayName"]), search),
            row("uuid", "=", search.toLowerCase()),
          ]),
        )
        .limit(most)
        .execute(),
  };
  return await searchRows(list, after, limit + 1);
}

function updateRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["PATCH", "POST"],
    path: "/acs/credentials/update",
    role: "issue",
    summary: "Changes a credential's code or when it ends.",
    input: v.strictObject({
      ...whichPass,
      code: v.exactOptional(digitsText),
      ends_at: v.exactOptional(instantText),
    }),
    answer,
    handle: async (input, call) =>
      await changePass(site, call, input, async (change, row) => {
        const { code, ends_at: endsAt } = input;
        if (endsAt !== undefined && endsAt <= call.at) {
          return fail(inputFault({ ends_at: ["expected a time in the future"] }));
        }
        if (endsAt !== undefined && row.startsAt !== null && endsAt <= row.startsAt) {
          return fail(inputFault({ ends_at: ["expected a time after starts_at"] }));
        }
        const presented =
          code === undefined ? succeed({}) : await otherCode(site, change.rows, row, code);
        if (!presented.ok) return presented;
        const part = { ...presented.value, ...(endsAt !== undefined && { endsAt }) };
        return succeed(await updatePass(change, row, part));
      }),
  });
}

/** The columns that are another with another code. */
async function otherCode(
  site: ApiSite,
  rows: Rows,
  row: PassRow,
  code: string,
): Promise<Result<Partial<PassRow>, ApiFault>> {
  if (row.kind === "pin") {
    const pin = await givenPin(site, rows, code, row.id);
    if (!pin.ok) return pin;
    return succeed({ pinDigest: pin.value.digest, displayName: codeName(code) });
  }
  if (row.kind !== "csn_card") {
    return fail(inputFault({ code: ["expected none: this credential has no code or number"] }));
  }
  const card = await givenCard(rows, {
    format: row.cardFormat ?? undefined,
    number: code,
    field: "code",
  });
  return card.ok ? await freeCard(rows, card.value, { field: "code", of: row.id }) : card;
}

function deleteRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["DELETE", "POST"],
    path: "/acs/credentials/delete",
    role: "issue",
    summary: "Deletes a credential.",
    input: v.strictObject(whichPass),
    handle: async (input, call) =>
      await issue(site, call, async (change) => {
        const row = await findPass(change.rows, input.acs_credential_id);
        if (!row.ok) return row;
        await deletePass(change, row.value);
        return succeed({});
      }),
  });
}

const assignInput = v.strictObject({
  ...whichPass,
  acs_user_id: v.exactOptional(uuidText),
  user_identity_id: v.exactOptional(uuidText),
});

function assignRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["PATCH", "POST"],
    path: "/acs/credentials/assign",
    role: "issue",
    summary: "Gives a credential that nobody has to a user.",
    input: assignInput,
    answer,
    handle: async (input, call) => {
      const { acs_user_id: uuid } = input;
      const fault = identityFault(input);
      if (fault !== undefined) return fail(fault);
      if (uuid === undefined) {
        return fail(inputFault({ acs_user_id: ["expected this field"] }));
      }
      return await changePass(site, call, input, async (change, row) => {
        const user = asField(await findUser(change.rows, uuid), "acs_user_id");
        if (!user.ok) return user;
        const { id } = user.value;
        if (row.parentId !== null) return phoneGoesAlong;
        if (row.userId === id) return succeed(row);
        if (row.userId !== null) {
          return conflict("already_assigned", "Another user has it: unassign it first.");
        }
        const isDuress = row.traits.includes('"duress"');
        if (row.kind === "pin" && (await hasPin(change.rows, id, isDuress))) {
          return conflict("user_has_code", "The user has a code already.");
        }
        return succeed(await movePass(change, row, { userId: id, action: "pass.assign" }));
      });
    },
  });
}

function unassignRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["PATCH", "POST"],
    path: "/acs/credentials/unassign",
    role: "issue",
    summary: "Takes a credential from its user. It is kept, and opens nothing.",
    input: assignInput,
    answer,
    handle: async (input, call) => {
      const { acs_user_id: uuid } = input;
      const fault = identityFault(input);
      if (fault !== undefined) return fail(fault);
      return await changePass(site, call, input, async (change, row) => {
        if (uuid !== undefined) {
          const user = asField(await findUser(change.rows, uuid), "acs_user_id");
          if (!user.ok) return user;
          if (row.userId !== null && row.userId !== user.value.id) {
            return fail(inputFault({ acs_user_id: ["expected the user who has the credential"] }));
          }
        }
        if (row.parentId !== null) return phoneGoesAlong;
        if (row.userId === null) return succeed(row);
        return succeed(await movePass(change, row, { userId: null, action: "pass.unassign" }));
      });
    },
  });
}

/** Its tables go by the credential that it belongs to: said of it alone, this would change nothing. */
const phoneGoesAlong = conflict(
  "phone_of_credential",
  "It is one phone of a credential: assign or unassign that, or suspend or delete this phone.",
);

function identityFault(input: v.InferOutput<typeof assignInput>): ApiFault | undefined {
  if (input.user_identity_id === undefined) return undefined;
  return inputFault({ user_identity_id: [noIdentities] });
}

/** Answers the pass as it is once the change is on disk. */
async function changePass(
  site: ApiSite,
  call: ApiCall,
  input: { readonly acs_credential_id: string },
  make: (change: IssuingChange, row: PassRow) => Promise<Result<PassRow, ApiFault>>,
) {
  const changed = await issue(site, call, async (change) => {
    const row = await findPass(change.rows, input.acs_credential_id);
    return row.ok ? await make(change, row.value) : row;
  });
  if (!changed.ok) return changed;
  return succeed(await credentialJson(site, site.issuer.store.rows, changed.value));
}
