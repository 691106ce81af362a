import type { DoorEvent, JournalEntry } from "../../../src/domain/event.ts";
import type { ControllerId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { chainStart, hashEntry } from "../../../src/protocols/sync/journal-chain.ts";

/** One controller's journal, as it grows. */
export class Diary {
  readonly #of: ControllerId;
  readonly #journal: string;
  #previous = chainStart;
  #number = 0;

  constructor(of: ControllerId, journal = "j1") {
    this.#of = of;
    this.#journal = journal;
  }

  /** The next entries, chained to those before. */
  write(...events: readonly DoorEvent[]): readonly JournalEntry[] {
    return events.map((event) => {
      this.#number += 1;
      const entry: Omit<JournalEntry, "hash"> = {
        controller: this.#of,
        journal: this.#journal,
        number: this.#number,
        previous: this.#previous,
        event,
        wall: { at: epochMs(1_000 + this.#number), quality: "trusted" },
      };
      this.#previous = hashEntry(entry);
      return { ...entry, hash: this.#previous };
    });
  }
}
