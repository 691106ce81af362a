import type { Clock } from "../../hal/clock.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import { type Explanation, explain } from "../core/explain.ts";
import { type NextGrant, nextGrantAt } from "../core/next-grant.ts";
import { unknownPremises } from "../core/premises.ts";
import type { TableContent } from "../domain/access.ts";
import type { ControllerId, DoorId, PassId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { EpochMs, WallTime } from "../domain/time.ts";
import type { ControllerStatus } from "../protocols/sync/status-message.ts";
import { asSupposed, assumptionsOf, type SupposedClock } from "./explain-assumptions.ts";
import type { QueryFaults } from "./query-parameters.ts";
import type { SiteState } from "./site-state.ts";
import type { SpentUses } from "./spent-uses.ts";
import type { TableSync } from "./table-sync.ts";

export interface ExplainQuestion {
  readonly door: DoorId;
  readonly pass: PassId;
  /** Absent: now. */
  readonly at?: EpochMs;
}

export interface DoorExplanation {
  readonly wall: WallTime;
  readonly table: Pick<TableContent, "table" | "compiledAt">;
  /** What the site cannot know and supposes: sentences for people. */
  readonly assumes: readonly string[];
  readonly explanation: Explanation;
  readonly nextGrant: NextGrant;
}

export interface DoorExplainerParts {
  readonly clock: Pick<Clock, "wall" | "monotonic">;
  readonly spent: SpentUses;
  /** The table that a controller is to have. */
  readonly tableFor: (controller: ControllerId) => AccessTable | undefined;
  /** What became of that table. */
  readonly stateOf: (controller: ControllerId) => TableSync | undefined;
  /** The last that was heard of a controller, unproven. */
  readonly statusOf: (
    controller: ControllerId,
  ) => { readonly said: ControllerStatus; readonly heardAt: EpochMs } | undefined;
}

/**
 * What a door's controller would say, from the table that it was sent: the same checks by the same
 * code. What it alone knows (who is inside, what an operator did) is supposed, and said to be.
 */
export class DoorExplainer {
  readonly #parts: DoorExplainerParts;

  constructor(parts: DoorExplainerParts) {
    this.#parts = parts;
  }

  explain(
    state: SiteState,
    { door, pass, at }: ExplainQuestion,
  ): Result<DoorExplanation, QueryFaults> {
    const { clock, spent, tableFor, stateOf } = this.#parts;
    const controller = state.places.controllerOf(door);
    const table = controller === undefined ? undefined : tableFor(controller);
    const isPass = state.pass(pass) !== undefined;
    if (controller === undefined || table === undefined || !isPass) {
      return fail({
        ...(table === undefined && { door: ["expected a door of the site"] }),
        ...(!isPass && { pass: ["expected a pass of the site"] }),
      });
    }
    // The controller's own uses: those are not sent back to it each time.
    const spentHere = (of: PassId): number =>
      spent(of).find((use) => use.controller === controller)?.spent ?? 0;
    const here: WallTime = at === undefined ? clock.wall() : { at, quality: "trusted" };
    const supposed = this.#clockOf(controller) ?? {
      quality: here.quality,
      saidAt: undefined,
    };
    const wall: WallTime = { at: here.at, quality: supposed.quality };
    const request = {
      door,
      presented: { pass },
      wall,
      now: clock.monotonic(),
      premises: { ...unknownPremises, spent: spentHere },
    };
    const sync = stateOf(controller);
    const grounds = { controller, table, door, pass, sync, clock: supposed };
    const { decision, ladder } = explain(table, request);
    return succeed({
      wall,
      table: { table: table.version, compiledAt: table.compiledAt },
      assumes: assumptionsOf(grounds),
      explanation: { decision, ladder: ladder.map((rung) => asSupposed(rung, grounds)) },
      nextGrant: nextGrantAt(table, request),
    });
  }

  /** Of one that is away, nothing that it said of its clock holds. */
  #clockOf(controller: ControllerId): SupposedClock | undefined {
    const status = this.#parts.statusOf(controller);
    if (status?.said.online !== true) return undefined;
    return { quality: status.said.clock, saidAt: status.heardAt };
  }
}
