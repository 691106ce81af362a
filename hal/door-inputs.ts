import type { MonotonicMs } from "../src/domain/time.ts";

export type Leaf = "open" | "closed";

/** The door position switch: does the leaf stand open? NO or NC wiring is inside. */
export interface DoorPosition {
  read(): Leaf;
  /** Each change after debouncing, with the time of its first edge. One listener. */
  listen(listener: (leaf: Leaf, at: MonotonicMs) => void): void;
  close(): void;
}

export type RexState = "pressed" | "idle";

/** The request-to-exit button or motion sensor. NO or NC wiring is inside. */
export interface RequestToExit {
  read(): RexState;
  listen(listener: (state: RexState, at: MonotonicMs) => void): void;
  close(): void;
}
