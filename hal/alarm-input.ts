import type { MonotonicMs } from "../src/domain/time.ts";
import type { WireFault } from "../src/domain/wire-fault.ts";

export type AlarmState = "raised" | "idle";

/** A dry contact that raises an alarm: the fire panel's relay, a tamper switch. NO or NC is inside. */
export interface AlarmInput {
  /**
   * What is believed now: what the listener was last told. A wire fault is told by a supervised wire, and
   * by a chip that does not answer, as `cut`; it does *not* say whether there is an alarm. Any other wire
   * at fault reads as one or none.
   */
  read(): AlarmState | WireFault;
  /**
   * Each change after debouncing, with the time of its first edge. One listener. A contact that never
   * rests is raised for as long as that lasts.
   */
  listen(listener: (state: AlarmState | WireFault, at: MonotonicMs) => void): void;
  close(): void;
}
