import { createHash } from "node:crypto";
import type { SiteId } from "../../domain/ids.ts";

/** What the API calls the site itself, the same on every machine. */
export interface ApiIdentity {
  readonly systemId: string;
  readonly workspaceId: string;
  readonly connectedAccountId: string;
}

/** RFC 9562's namespace for what a URL names. */
const urlNamespace = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";

export function apiIdentity(site: SiteId): ApiIdentity {
  const id = (kind: string) => uuidOf(`postern:${site}/${kind}`);
  return {
    systemId: id("acs_system"),
    workspaceId: id("workspace"),
    connectedAccountId: id("connected_account"),
  };
}

/** A version 5 UUID, after RFC 9562, 5.5. */
function uuidOf(name: string): string {
  const namespace = Buffer.from(urlNamespace.replaceAll("-", ""), "hex");
  const bytes = createHash("sha1").update(namespace).update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [0, 8, 12, 16, 20]
    .map((from, index, all) => hex.slice(from, all[index + 1] ?? 32))
    .join("-");
}
