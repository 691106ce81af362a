import type { Alarm, Clock } from "../../hal/clock.ts";
import { monotonicMs } from "../domain/time.ts";

export interface GatheringParts<Item> {
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  /** How long the first waits for others. */
  readonly gatherMs: number;
  /** `failed`: they are to be tried again. */
  readonly due: (items: ReadonlySet<Item>) => "done" | "failed";
  /** After a failure, which is a disk's: it may have room by then. */
  readonly retryMs: number;
}

/** What comes in bursts is dealt with together, each once, soon after the first. */
export class Gathering<Item> {
  readonly #parts: GatheringParts<Item>;
  #items = new Set<Item>();
  #alarm: Alarm | undefined;

  constructor(parts: GatheringParts<Item>) {
    this.#parts = parts;
  }

  add(items: Iterable<Item>): void {
    for (const item of items) this.#items.add(item);
    this.#arm(this.#parts.gatherMs);
  }

  items(): ReadonlySet<Item> {
    return this.#items;
  }

  /** Takes all out that have gathered: somebody else deals with them. */
  take(): ReadonlySet<Item> {
    const taken = this.#items;
    this.#items = new Set();
    this.#alarm?.cancel();
    this.#alarm = undefined;
    return taken;
  }

  #arm(afterMs: number): void {
    if (this.#items.size === 0 || this.#alarm !== undefined) return;
    const { clock } = this.#parts;
    const at = monotonicMs(clock.monotonic() + afterMs);
    this.#alarm = clock.alarm(at, () => this.#due());
  }

  #due(): void {
    const items = this.take();
    if (this.#parts.due(items) === "done") return;
    for (const item of items) this.#items.add(item);
    this.#arm(this.#parts.retryMs);
  }
}
