import { createHash, type KeyObject } from "node:crypto";

/** An Ed25519 key is the end of its SPKI (RFC 8410, section 4). */
const rawKeyBytes = 32;
const shownBytes = 16;

/**
 * Of a site's mobile key, for people to compare: the first 16 bytes of SHA-256 over its 32, as hex digits
 * in groups of four.
 */
export function siteKeyFingerprint(siteKey: KeyObject): string {
  const spki = siteKey.export({ type: "spki", format: "der" });
  const digest = createHash("sha256").update(spki.subarray(-rawKeyBytes)).digest();
  return digest.toString("hex", 0, shownBytes).replaceAll(/(.{4})(?=.)/g, "$1-");
}
