import type { Clock } from "../../hal/clock.ts";
import type { StrikeCommand } from "../../hal/strike.ts";
import type { DoorId } from "../../src/domain/ids.ts";
import { type EdgeNs, edgeNs, monotonicMs } from "../../src/domain/time.ts";
import type { StrikeChange } from "./rig-target.ts";

const changesMax = 100_000;

/** What strikes did, and who waits for one of them to do it. Time is the host's. */
export class StrikeLog {
  readonly #changes: StrikeChange[] = [];
  readonly #listeners = new Set<(change: StrikeChange) => void>();

  add(change: StrikeChange): void {
    if (this.#changes.length === changesMax) this.#changes.shift();
    this.#changes.push(change);
    for (const listener of [...this.#listeners]) listener(change);
  }

  changes(since = edgeNs(0)): readonly StrikeChange[] {
    return this.#changes.filter(({ at }) => at >= since);
  }

  /** `isSo` is asked once the waiting has begun: nothing falls between the two. */
  async waitFor(options: {
    readonly clock: Clock;
    readonly door: DoorId;
    readonly state: StrikeCommand;
    readonly withinMs: number;
    readonly isSo: () => Promise<EdgeNs | undefined>;
  }): Promise<StrikeChange | undefined> {
    const { clock, door, state, withinMs, isSo } = options;
    let forget: () => void = () => undefined;
    const change = new Promise<StrikeChange | undefined>((resolve) => {
      const listener = (one: StrikeChange) => {
        if (one.door === door && one.state === state) resolve(one);
      };
      this.#listeners.add(listener);
      const late = clock.alarm(monotonicMs(clock.monotonic() + withinMs), () => resolve(undefined));
      forget = () => {
        this.#listeners.delete(listener);
        late.cancel();
      };
    });
    try {
      const at = await isSo();
      return at === undefined ? await change : { door, state, at };
    } finally {
      forget();
    }
  }
}
