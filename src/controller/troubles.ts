import type { DoorEvent } from "../domain/event.ts";

/**
 * What a technician should mend, by name: each is journalled once when it begins and once when it
 * ends, however often it is reported in between.
 */
export class Troubles {
  readonly #active = new Set<string>();
  readonly #record: (event: DoorEvent) => void;

  constructor(record: (event: DoorEvent) => void) {
    this.#record = record;
  }

  raise(trouble: string): void {
    if (this.#active.has(trouble)) return;
    this.#active.add(trouble);
    this.#record({ kind: "trouble", trouble, state: "raised" });
  }

  clear(trouble: string): void {
    if (!this.#active.delete(trouble)) return;
    this.#record({ kind: "trouble", trouble, state: "cleared" });
  }

  /** Raised where it is so, cleared where it is not. */
  set(trouble: string, isSo: boolean): void {
    if (isSo) this.raise(trouble);
    else this.clear(trouble);
  }

  active(): readonly string[] {
    return [...this.#active].sort();
  }
}
