import type { DoorOwnEvent } from "../../../src/core/door-machine.ts";

/** What must be true once one input has been dealt with. */
export interface Verdict {
  readonly strike: "secured" | "released";
  readonly alarm: "none" | "warning_held" | "alarm_held" | "alarm_forced";
  readonly kinds: readonly DoorOwnEvent["kind"][];
  readonly passages: readonly ("made" | "not_made")[];
  readonly isShut: boolean;
  readonly troubles: readonly string[];
}
