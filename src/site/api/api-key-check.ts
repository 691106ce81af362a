import { createHash } from "node:crypto";
import type { Kysely } from "kysely";
import type { ApiKey } from "../api-key.ts";
import type { ApiRole, StoreSchema } from "../store/store-schema.ts";

export interface ApiCaller {
  /** Unique among keys. */
  readonly id: string;
  /** As it stands in the audit log. */
  readonly name: string;
  readonly role: ApiRole;
}

export interface ApiKeyCheck {
  /** Undefined: nobody's, or revoked. */
  check(presented: string): Promise<ApiCaller | undefined>;
}

/** What the key in the state folder is called in the audit log. */
export const fileKeyName = "api-key";

/** No longer key is looked for, or hashed. */
const keyCharsMax = 300;

/**
 * The store has hashes alone: who reads it has no key, and looking one up tells nothing by the time
 * it takes, for nobody can choose what a hash begins with.
 */
export function hashKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** The key in the state folder, which is an administrator's, and those of the store. */
export function apiKeyCheck(fileKey: ApiKey, rows: Kysely<StoreSchema>): ApiKeyCheck {
  return {
    check: async (presented) => {
      if (presented.length > keyCharsMax) return undefined;
      if (fileKey.matches(presented)) return { id: fileKeyName, name: fileKeyName, role: "admin" };
      return await rows
        .selectFrom("apiKeys")
        .select(["id", "name", "role"])
        .where("hash", "=", hashKey(presented))
        .where("revokedAt", "is", null)
        .executeTakeFirst();
    },
  };
}
