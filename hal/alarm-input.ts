import type { MonotonicMs } from "../src/domain/time.ts";
import type { WireFault } from "../src/domain/wire-fault.ts";

export type AlarmState = "raised" | "idle";

/** A dry contact that raises an alarm: the fire panel's relay, a tamper switch. NO or NC is inside. */
export interface AlarmInput {
  read(): AlarmState | WireFault;
  /** Each change after debouncing, with the time of its first edge. One listener. */
  listen(listener: (state: AlarmState | WireFault, at: MonotonicMs) => void): void;
  close(): void;
}
