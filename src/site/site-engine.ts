import type { ControllerId, PassId } from "../domain/ids.ts";
import type { Result } from "../domain/result.ts";
import type { CommandAnswer, CommandFault, SiteCommand } from "../protocols/sync/site-command.ts";
import type { DoorExplanation, ExplainQuestion } from "./door-explainer.ts";
import type { EventPage, EventQuery } from "./event-query.ts";
import type { StoredEvent } from "./event-row.ts";
import type { ModelChange } from "./model-change.ts";
import type { QueryFaults } from "./query-parameters.ts";
import type { ControllerReport } from "./site-service.ts";
import type { TableFault } from "./table-plan.ts";
import type { AppliedTable } from "./table-publisher.ts";

/** How far the doors are with what was issued. */
export interface PassSync {
  readonly pass: PassId;
  /** Every controller in whose table the pass is, or was, has acknowledged its latest revision. */
  readonly state: "synced" | "updating" | "failed";
  readonly waitingFor: readonly ControllerId[];
}

/** What the engine tells without being asked. */
export interface EngineEars {
  /** Stored just now, in order, each once. */
  events(stored: readonly StoredEvent[]): void;
  /** The state of this controller's table, or its connection, is another. */
  controllerChanged(controller: ControllerId): void;
}

/**
 * The part of the site that makes tables, signs them, brings them to the controllers and takes their
 * events in. It may be in another thread: nothing of what is asked of it holds up who asks.
 */
export interface SiteEngine {
  /**
   * All or nothing. What it changed is on disk, and on its way, when it resolves. Rejects where the
   * disk fails; nothing is changed then. The first says all that there is: nothing is in force before,
   * and with a fault it is known all the same, so that the next change may mend it.
   */
  apply(change: ModelChange): Promise<Result<readonly AppliedTable[], TableFault>>;
  controllers(): Promise<readonly ControllerReport[]>;
  /** Publishes heads, or has this controller fetch its whole table anew (behaviour 18). */
  update(controllers: readonly ControllerId[], how: "head" | "whole"): Promise<void>;
  /** `revision`: of the store, after which nothing of this pass changed. */
  syncOf(
    passes: readonly { readonly pass: PassId; readonly revision: number }[],
  ): Promise<readonly PassSync[]>;
  explain(question: ExplainQuestion): Promise<Result<DoorExplanation, QueryFaults>>;
  /** In a time that has a bound, however many events there are. */
  events(query: EventQuery): Promise<EventPage>;
  /** Resolves with what the controller answered; a fault where it did not, in time. */
  command(
    controller: ControllerId,
    command: SiteCommand,
  ): Promise<Result<CommandAnswer, CommandFault>>;
  rotateKey(): Promise<number>;
  close(): Promise<void>;
}
