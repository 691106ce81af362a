import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { succeed } from "../../../domain/result.ts";
import { type ApiKeyRow, apiRoles } from "../../store/store-schema.ts";
import { isoOf } from "../acs/user-json.ts";
import { conflict, notFound } from "../api-fault.ts";
import { hashKey } from "../api-key-check.ts";
import { type ApiSite, drawId } from "../api-site.ts";
import { jsonRoute, type Route } from "../route.ts";
import { textOf } from "../schema-parts.ts";

/** Of one site: more are a sign that they are made and never revoked. */
const keysMax = 1_000;

/** Everything about them is an administrator's. */
export function keyRoutes(site: ApiSite): readonly Route[] {
  return [createRoute(site), listRoute(site), revokeRoute(site)];
}

function keyJson({ id, name, role, createdAt, revokedAt }: ApiKeyRow) {
  return {
    api_key_id: id,
    name,
    role,
    created_at: isoOf(createdAt),
    revoked_at: revokedAt === null ? null : isoOf(revokedAt),
  };
}

function createRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/api_keys/create",
    role: "admin",
    summary: "Makes an API key. It is shown in this answer and never again.",
    input: v.strictObject({
      name: textOf(64),
      role: v.picklist(apiRoles, `one of ${apiRoles.join(", ")}`),
    }),
    answer: { key: "api_key", is: "object", of: "api_key" },
    handle: async ({ name, role }, { author }) => {
      // Hexadecimal: Seam's client takes some beginnings for tokens of other kinds.
      const key = `seam_${randomBytes(32).toString("hex")}`;
      return await issuer.store.change(author, async ({ rows, at, note }) => {
        const keys = await rows.selectFrom("apiKeys").select(["name", "revokedAt"]).execute();
        const inUse = keys.filter(({ revokedAt }) => revokedAt === null);
        if (inUse.length >= keysMax) {
          return conflict("too_many_api_keys", `There are ${keysMax} API keys: revoke some.`);
        }
        // Two of one name could not be told apart in the audit log.
        if (keys.some((other) => other.name === name)) {
          return conflict("duplicate_name", "There is, or was, an API key of this name.", {
            name: ["expected a name that no other key has, or had"],
          });
        }
        const row: ApiKeyRow = {
          id: drawId(),
          name,
          role,
          hash: hashKey(key),
          createdAt: at,
          revokedAt: null,
        };
        await rows.insertInto("apiKeys").values(row).execute();
        const subject = { kind: "api_key", id: row.id };
        note({ action: "api_key.create", subject, detail: { name, role } });
        return succeed({ api_key: { ...keyJson(row), key } });
      });
    },
  });
}

function listRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/api_keys/list",
    role: "admin",
    summary: "Lists API keys, revoked ones too, without the keys themselves.",
    input: v.strictObject({}),
    answer: { key: "api_keys", is: "list", of: "api_key" },
    handle: async () => {
      const keys = await issuer.store.rows
        .selectFrom("apiKeys")
        .selectAll()
        .orderBy("createdAt")
        .orderBy("id")
        .execute();
      return succeed({ api_keys: keys.map(keyJson) });
    },
  });
}

function revokeRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/api_keys/revoke",
    role: "admin",
    summary: "Revokes an API key: its next request is refused.",
    input: v.strictObject({ api_key_id: textOf(64) }),
    answer: { key: "api_key", is: "object", of: "api_key" },
    handle: async ({ api_key_id: id }, { author }) =>
      await issuer.store.change(author, async ({ rows, at, note }) => {
        const row = await rows
          .selectFrom("apiKeys")
          .selectAll()
          .where("id", "=", id)
          .executeTakeFirst();
        if (row === undefined) return notFound("api_key");
        if (row.revokedAt !== null) return succeed({ api_key: keyJson(row) });
        await rows.updateTable("apiKeys").set({ revokedAt: at }).where("id", "=", id).execute();
        note({ action: "api_key.revoke", subject: { kind: "api_key", id } });
        return succeed({ api_key: keyJson({ ...row, revokedAt: at }) });
      }),
  });
}
