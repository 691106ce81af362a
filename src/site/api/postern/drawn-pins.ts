import { randomInt } from "node:crypto";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import { byIds } from "../../store/by-ids.ts";
import type { Rows } from "../acs/find-rows.ts";
import { type FreePin, pinLength } from "../acs/pins.ts";
import { type ApiFault, conflict } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";

/** With that many rounds in which some of what was drawn was in use, more digits are called for. */
const roundsMax = 100;

/**
 * `count` PINs that nobody has, each as likely as any other that is free. `given`: digests of those
 * that are being given away besides.
 */
export async function drawPins(
  { digestPin }: Pick<ApiSite, "digestPin">,
  rows: Rows,
  { count, given }: { readonly count: number; readonly given: ReadonlySet<string> },
): Promise<Result<readonly FreePin[], ApiFault>> {
  if (count === 0) return succeed([]);
  const length = await pinLength(rows);
  const free = new Map<string, FreePin>();
  for (let round = 0; round < roundsMax && free.size < count; round += 1) {
    const drawn = new Map<string, FreePin>();
    for (let at = free.size; at < count; at += 1) {
      const digits = Array.from({ length }, () => randomInt(10)).join("");
      const digest = digestPin(digits);
      if (!free.has(digest) && !given.has(digest)) drawn.set(digest, { digits, digest });
    }
    const taken = await byIds(drawn.keys(), (digests) =>
      rows.selectFrom("passes").select("pinDigest").where("pinDigest", "in", digests).execute(),
    );
    for (const { pinDigest } of taken) if (pinDigest !== null) drawn.delete(pinDigest);
    for (const [digest, pin] of drawn) free.set(digest, pin);
  }
  if (free.size >= count) return succeed([...free.values()]);
  return fail(conflict("no_code_left", `Hardly any code of ${length} digits is left.`).fault);
}
