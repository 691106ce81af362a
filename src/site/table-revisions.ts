import type { ControllerId } from "../domain/ids.ts";
import type { TableMark } from "../domain/table-change.ts";
import { isSameTable } from "../protocols/sync/table-order.ts";

/** Of one controller. Beyond it the two oldest are told as one, which asks for more and never for less. */
export const revisionsKnownMax = 1_000;

/** A table, and the revision of the store that it says first; Infinity: it says none first. */
interface Step {
  readonly mark: TableMark;
  readonly revision: number;
}

interface History {
  readonly steps: Step[];
  /** Of the last that the controller has said to be in force. */
  heardVersion: number;
}

/** Which of the store's revisions each controller has, by the tables that it has acknowledged. */
export class TableRevisions {
  readonly #histories = new Map<ControllerId, History>();

  /** Nobody knows what the tables before this one said: nothing is there before it is. */
  begin(controller: ControllerId, mark: TableMark): void {
    this.#histories.set(controller, { steps: [{ mark, revision: 0 }], heardVersion: 0 });
  }

  /** A table that leads on from the last. `revision`: absent where the store says nothing new in it. */
  lead(controller: ControllerId, mark: TableMark, revision = Infinity): void {
    const history = this.#histories.get(controller);
    if (history?.steps.at(-1)?.mark.epoch !== mark.epoch) return this.begin(controller, mark);
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
  }

  /** Whether the controller has all that the store said at this revision, and before. */
  has(controller: ControllerId, revision: number): boolean {
    const history = this.#histories.get(controller);
    if (history === undefined) return false;
    const { steps, heardVersion } = history;
    return steps.every((step) => step.revision > revision || step.mark.version <= heardVersion);
  }
}
