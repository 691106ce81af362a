import type { ControllerId, PassId } from "../domain/ids.ts";
import type { PassSync } from "./site-engine.ts";
import { type SiteState, scopeOf } from "./site-state.ts";
import type { TableRevisions } from "./table-revisions.ts";
import type { TableSync } from "./table-sync.ts";

export interface PassSyncGrounds {
  readonly state: SiteState;
  readonly revisions: TableRevisions;
  readonly syncOf: (controller: ControllerId) => TableSync | undefined;
}

const nowhere: ReadonlySet<ControllerId> = new Set();

/**
 * How far the controllers in whose tables these passes are, or were, have come with them (behaviour
 * 19). One that has no door any more is not waited for: it may lie in a drawer.
 */
export function passSyncs(
  { state, revisions, syncOf }: PassSyncGrounds,
  passes: readonly { readonly pass: PassId; readonly revision: number }[],
): readonly PassSync[] {
  return passes.map(({ pass, revision }) => {
    const user = state.pass(pass)?.user;
    const scope = user === undefined ? nowhere : scopeOf(state, user);
    const behind = [...scope].filter((controller) => !revisions.has(controller, revision));
    const left = [...revisions.leftBy(pass)].filter((controller) => {
      return state.places.controllers.has(controller) && !scope.has(controller);
    });
    const waitingFor = [...behind, ...left];
    if (waitingFor.length === 0) return { pass, state: "synced", waitingFor };
    const isFailed = waitingFor.some((controller) => syncOf(controller)?.state === "failed");
    return { pass, state: isFailed ? "failed" : "updating", waitingFor };
  });
}
