import type { DoorId, ReaderId } from "../src/domain/ids.ts";
import type { Level } from "./gpio.ts";

/** How doors and readers are wired to a board's lines, as a board profile file says it. */
export interface BoardProfile {
  readonly doors: readonly DoorWiring[];
  readonly readers: readonly ReaderWiring[];
}

export interface DoorWiring {
  readonly id: DoorId;
  readonly strike: {
    readonly line: string;
    /** The level that energizes the relay. */
    readonly energizedLevel: Level;
    /** `fail_secure` is released by energizing; `fail_safe` by cutting the power. */
    readonly lock: "fail_secure" | "fail_safe";
  };
  readonly position?: ContactWiring;
  readonly rex?: ContactWiring;
}

/** A dry contact to ground with a pull-up: closed reads low. */
export interface ContactWiring {
  readonly line: string;
  /** `normally_closed`: the contact is closed while the leaf is shut, or the button not pressed. */
  readonly contact: "normally_open" | "normally_closed";
  readonly debounceMs: number;
}

export interface ReaderWiring {
  readonly id: ReaderId;
  readonly door: DoorId;
  readonly d0: string;
  readonly d1: string;
  /** Names of Wiegand formats; the first that fits wins where two have one length. At least one. */
  readonly formats: readonly string[];
  readonly keypad: "none" | "burst_4" | "burst_8" | "pin_26";
  readonly red?: LampWiring;
  readonly green?: LampWiring;
  readonly amber?: LampWiring;
  readonly beeper?: LampWiring;
}

export interface LampWiring {
  readonly line: string;
  readonly activeLevel: Level;
}
