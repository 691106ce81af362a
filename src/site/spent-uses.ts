import type { ControllerId, PassId } from "../domain/ids.ts";

/** What each controller of the site has spent of a pass, as far as its events have arrived. */
export type SpentUses = (
  pass: PassId,
) => readonly { readonly controller: ControllerId; readonly spent: number }[];
