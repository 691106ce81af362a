import type { ControllerId, PassId } from "../domain/ids.ts";
import type { TableMark } from "../domain/table-change.ts";
import { isSameTable } from "../protocols/sync/table-order.ts";

/** Of one controller. Beyond it the two oldest are told as one, which asks for more and never for less. */
export const revisionsKnownMax = 1_000;

/**
 * Of one controller. Where more have left than that, nobody is told apart any more until it has said
 * that it has the table without them, which asks for more likewise.
 */
export const leftKnownMax = 10_000;

/** A table, and the revision of the store that it says first; Infinity: it says none first. */
interface Step {
  readonly mark: TableMark;
  readonly revision: number;
}

interface History {
  readonly steps: Step[];
  /** Of the last that the controller has said to be in force. */
  heardVersion: number;
  /** Passes that it had, by the version of the table that has them no more; the oldest first. */
  readonly left: Map<PassId, number>;
  /** As `left`, of everybody; 0: of nobody. */
  everybodyLeft: number;
}

/** What a table says that leads on from another. */
export interface LeadingStep {
  /** Of the store; absent where it says nothing new in the table. */
  readonly revision?: number;
  /** The passes that the other had and this one has not. */
  readonly left?: readonly PassId[];
}

/**
 * Which of the store's revisions each controller has, by the tables that it has acknowledged. In
 * memory: after a start, nobody knows which passes had left a controller that was away.
 */
export class TableRevisions {
  readonly #histories = new Map<ControllerId, History>();

  /** Nobody knows what the tables before this one said: nothing is there before it is. */
  begin(controller: ControllerId, mark: TableMark): void {
    const before = this.#histories.get(controller);
    const left = new Map<PassId, number>();
    for (const pass of before?.left.keys() ?? []) left.set(pass, mark.version);
    const everybodyLeft = before === undefined || before.everybodyLeft === 0 ? 0 : mark.version;
    const steps = [{ mark, revision: 0 }];
    this.#histories.set(controller, { steps, heardVersion: 0, left, everybodyLeft });
  }

  /** A table that leads on from the last. */
  lead(controller: ControllerId, mark: TableMark, step: LeadingStep = {}): void {
    const { revision = Infinity, left = [] } = step;
    const history = this.#histories.get(controller);
    if (history?.steps.at(-1)?.mark.epoch !== mark.epoch) return this.begin(controller, mark);
    noteLeft(history, mark, left);
    const { steps } = history;
    steps.push({ mark, revision });
    if (steps.length <= revisionsKnownMax) return;
    const [oldest, next] = steps;
    if (oldest === undefined || next === undefined) return;
    steps.splice(0, 2, { ...next, revision: Math.min(oldest.revision, next.revision) });
  }

  /** What the controller says to be in force. Another table of the same number is not known. */
  heard(controller: ControllerId, mark: TableMark): void {
    const history = this.#histories.get(controller);
    const at = history?.steps.findLastIndex((step) => isSameTable(step.mark, mark)) ?? -1;
    if (history === undefined || at === -1) return;
    history.heardVersion = Math.max(history.heardVersion, mark.version);
    // It stays, so that the same word is understood again.
    history.steps.splice(0, at);
    if (history.everybodyLeft <= history.heardVersion) history.everybodyLeft = 0;
    for (const [pass, version] of history.left) {
      if (version > history.heardVersion) break;
      history.left.delete(pass);
    }
  }

  /** Those that had this pass, and have not said yet that they have it no more. */
  *leftBy(pass: PassId): Generator<ControllerId> {
    for (const [controller, { left, everybodyLeft }] of this.#histories) {
      if (everybodyLeft > 0 || left.has(pass)) yield controller;
    }
  }

  /** Whether the controller has all that the store said at this revision, and before. */
  has(controller: ControllerId, revision: number): boolean {
    const history = this.#histories.get(controller);
    if (history === undefined) return false;
    const { steps, heardVersion } = history;
    return steps.every((step) => step.revision > revision || step.mark.version <= heardVersion);
  }
}

function noteLeft(history: History, { version }: TableMark, passes: readonly PassId[]): void {
  const { left } = history;
  for (const pass of passes) {
    // The order is that of the versions.
    left.delete(pass);
    left.set(pass, version);
  }
  if (left.size <= leftKnownMax) return;
  left.clear();
  history.everybodyLeft = version;
}
