import { setImmediate as nextTurn } from "node:timers/promises";
import type { AccessTable } from "../core/access-table/access-table.ts";
import type { TableChange } from "../domain/table-change.ts";
import type { PremisesStore } from "./premises-store.ts";

/** Names that are looked up in one turn of the event loop: some milliseconds of a slow board. */
const namesPerTurn = 500;

/** Forgets what the premises know of whom and what the table lacks, without keeping the doors waiting. */
export class PremisesPruning {
  readonly #premises: PremisesStore;
  /** Which table it is done for: one that was begun for another ends. */
  #table: AccessTable | undefined;

  constructor(premises: PremisesStore) {
    this.#premises = premises;
  }

  /** After another table was put in force. Where little is known, it is done when this returns. */
  prune(table: AccessTable): void {
    this.#table = table;
    const steps = this.#steps(table);
    if (steps.next().done !== true) void this.#goOn(table, steps);
  }

  /** After a table changed in place: whom it took away is in no area any more. */
  forget(changes: readonly TableChange[]): void {
    const { memory } = this.#premises;
    const gone = changes.flatMap((change) => (change.kind === "user_gone" ? change.user : []));
    const recorded = gone.filter((user) => memory.whereabouts(user) !== undefined);
    this.#premises.keep(recorded.map((user) => ({ kind: "forgiven", user })));
  }

  close(): void {
    this.#table = undefined;
  }

  async #goOn(table: AccessTable, steps: Iterator<void>): Promise<void> {
    do await nextTurn();
    while (this.#table === table && steps.next().done !== true);
  }

  *#steps(table: AccessTable): Generator<void> {
    const { memory } = this.#premises;
    const users = yield* absentOf([...memory.recordedUsers()], (user) => table.hasUser(user));
    this.#premises.pruneUsers((user) => !users.has(user) || table.hasUser(user));
    const isKnown = (pass: Parameters<typeof table.passes.numberOf>[0]) =>
      table.passes.numberOf(pass) >= 0;
    const passes = yield* absentOf([...memory.spentPasses()], isKnown);
    // By now it may be there again.
    this.#premises.prune((pass) => !passes.has(pass) || isKnown(pass));
  }
}

function* absentOf<Name>(
  names: readonly Name[],
  has: (name: Name) => boolean,
): Generator<void, ReadonlySet<Name>> {
  const absent = new Set<Name>();
  for (const [index, name] of names.entries()) {
    if (index % namesPerTurn === namesPerTurn - 1) yield;
    if (!has(name)) absent.add(name);
  }
  return absent;
}
