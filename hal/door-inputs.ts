import type { MonotonicMs } from "../src/domain/time.ts";
import type { WireFault } from "../src/domain/wire-fault.ts";

export type Leaf = "open" | "closed";

/** The door position switch: does the leaf stand open? NO or NC wiring is inside. */
export interface DoorPosition {
  /**
   * What is believed now: what the listener was last told. A wire fault is told by a supervised wire, and
   * by a chip that does not answer, as `cut`; it does *not* say where the leaf is. Any other wire at fault
   * reads as open or closed.
   */
  read(): Leaf | WireFault;
  /**
   * Each change after debouncing, with the time of its first edge. One listener. A contact that never
   * rests is told as up to five changes a second, for as long as that lasts.
   */
  listen(listener: (leaf: Leaf | WireFault, at: MonotonicMs) => void): void;
  close(): void;
}

export type RexState = "pressed" | "idle";

/** The request-to-exit button or motion sensor. NO or NC wiring is inside. */
export interface RequestToExit {
  /** As `DoorPosition.read`: behind a wire fault nobody can tell whether the button is pressed. */
  read(): RexState | WireFault;
  /** As `DoorPosition.listen`. */
  listen(listener: (state: RexState | WireFault, at: MonotonicMs) => void): void;
  close(): void;
}
