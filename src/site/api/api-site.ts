import { type KeyObject, randomBytes } from "node:crypto";
import type { PinDigest } from "../../domain/credential.ts";
import type { SiteId } from "../../domain/ids.ts";
import type { Issuer } from "../issuer.ts";
import type { ApiIdentity } from "./api-identity.ts";

/** What routes work on. */
export interface ApiSite {
  readonly site: SiteId;
  readonly identity: ApiIdentity;
  readonly issuer: Issuer;
  /** With the site's PIN key, which nothing here needs to see. */
  readonly digestPin: (digits: string) => PinDigest;
  /** Ed25519, public: what phones know the site's readers by. May throw where the site's files fail. */
  readonly mobileKey: () => KeyObject;
}

/** RFC 4648's digits in lower case. */
const base32 = "abcdefghijklmnopqrstuvwxyz234567";

/** What tables will know a new row by: ten digits, of which no two are ever alike by chance. */
export function drawId(): string {
  return [...randomBytes(10)].map((byte) => base32[byte % 32]).join("");
}
