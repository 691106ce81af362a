import type { Alarm, Clock } from "../../hal/clock.ts";
import type { ControllerId } from "../domain/ids.ts";
import { monotonicMs } from "../domain/time.ts";

/** How long a controller may take to say that it has its table, and then again, twice as long each time. */
export const remindMinMs = 10_000;
export const remindMaxMs = 300_000;

export interface TableRemindersParts {
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  /** Of those that are there, the ones that have not said that they have their table. */
  readonly updating: () => readonly ControllerId[];
  /** A head is answered by what its controller has, whether it has it by now or not. */
  readonly remind: (controllers: readonly ControllerId[]) => void;
}

/**
 * Asks again who has not answered: a broker drops what it cannot hand on in time, and of a thousand
 * answers that come at once it does. Nothing is armed while nobody owes one.
 */
export class TableReminders {
  readonly #parts: TableRemindersParts;
  #alarm: Alarm | undefined;
  #waitMs = remindMinMs;

  constructor(parts: TableRemindersParts) {
    this.#parts = parts;
  }

  /** Tables went out. */
  begin(): void {
    this.close();
    this.#waitMs = remindMinMs;
    this.noteOnline();
  }

  /** Somebody is there who was not: he may owe an answer. */
  noteOnline(): void {
    if (this.#alarm === undefined && this.#parts.updating().length > 0) this.#arm();
  }

  close(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #arm(): void {
    const { clock } = this.#parts;
    this.#alarm = clock.alarm(monotonicMs(clock.monotonic() + this.#waitMs), () => this.#due());
  }

  #due(): void {
    const updating = this.#parts.updating();
    this.#alarm = undefined;
    if (updating.length === 0) return;
    this.#parts.remind(updating);
    this.#waitMs = Math.min(this.#waitMs * 2, remindMaxMs);
    this.#arm();
  }
}
