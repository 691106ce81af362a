import { createHash } from "node:crypto";
import type { SiteId } from "../domain/ids.ts";

/** RFC 9562's namespace for what a URL names. */
const urlNamespace = Buffer.from("6ba7b8119dad11d180b400c04fd430c8", "hex");

/** What the API knows a thing of the site by that a file names: the same on every machine. */
export function nameUuid(site: SiteId, ...path: readonly [kind: string, id?: string]): string {
  const name = `postern:${[site, ...path].join("/")}`;
  // A version 5 UUID: RFC 9562, 5.5.
  const bytes = createHash("sha1").update(urlNamespace).update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [0, 8, 12, 16, 20]
    .map((from, index, all) => hex.slice(from, all[index + 1] ?? 32))
    .join("-");
}
