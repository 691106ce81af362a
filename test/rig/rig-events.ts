import type { Finished, RigEvent } from "./rig-target.ts";

/** Beyond what any scenario makes. */
const eventsMax = 1_000_000;

/** The words after `postern` that have it tell all of its journal. */
export const eventsWords: readonly string[] = ["events", "--json", "--limit", `${eventsMax}`];

/** What they print, as a scenario asks for it. Throws where the command failed. */
export function rigEvents({ code, stdout, stderr }: Finished): readonly RigEvent[] {
  if (code !== 0) throw new Error(`postern events: ${code}: ${stderr}`);
  const entries = JSON.parse(stdout) as readonly {
    readonly number: number;
    readonly hash: string;
    readonly event: { readonly kind: string };
  }[];
  return entries.map(({ number, hash, event }) => ({ ...event, number, hash }));
}
