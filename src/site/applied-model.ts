import * as v from "valibot";
import type { StateFolder } from "./state-folder.ts";

/**
 * The site file that was applied last, word for word, as versions before the store kept it. A secret:
 * PINs stand in it in clear.
 */
export interface KeptSite {
  /** As the person who applied it named it, for messages about it. */
  readonly file: string;
  readonly text: string;
}

const name = "applied-site.json";

const keptSchema = v.object({ format: v.literal(1), file: v.string(), text: v.string() });

export function removeKeptSite(folder: StateFolder): void {
  folder.remove(name);
}

export function readKeptSite(folder: StateFolder): KeptSite | "absent" | "damaged" {
  const bytes = folder.read(name);
  if (bytes === undefined) return "absent";
  try {
    return v.parse(keptSchema, JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch {
    return "damaged";
  }
}
