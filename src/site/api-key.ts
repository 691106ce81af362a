import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { StateError, type StateFolder } from "./state-folder.ts";

export interface ApiKey {
  /** For the person who started the site, and nobody else. */
  readonly text: string;
  /** Takes the same time wherever the two differ, and however long `presented` is. */
  matches(presented: string): boolean;
}

/**
 * The official Seam client refuses a key that does not begin with `seam_`, and takes `seam_at…`,
 * `seam_cst…` and `seam_pk…` for tokens of other kinds: hex digits cannot spell those.
 */
const keyPattern = /^seam_[0-9a-zA-Z]{32,256}$/;

/** Reads `api-key`, made at first need. A key of one's own may be put there, in the same form. */
export function openApiKey(folder: StateFolder): ApiKey {
  const name = "api-key";
  const stored = folder.createOnce(name, () => `seam_${randomBytes(32).toString("hex")}\n`);
  const text = Buffer.from(stored).toString("utf8").trim();
  if (!keyPattern.test(text)) {
    const expected = "expected seam_ and at least 32 letters or digits";
    throw new StateError("damaged", join(folder.path, name), expected);
  }
  const digest = (key: string): Buffer => createHash("sha256").update(key).digest();
  const expected = digest(text);
  return { text, matches: (presented) => timingSafeEqual(digest(presented), expected) };
}
