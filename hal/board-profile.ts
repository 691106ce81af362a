import type { DoorId, ReaderId } from "../src/domain/ids.ts";
import type { Level } from "./gpio.ts";

/** How doors and readers are wired to a board's lines, as a board profile file says it. */
export interface BoardProfile {
  readonly doors: readonly DoorWiring[];
  readonly readers: readonly ReaderWiring[];
  /** The fire panel's relay: at rest while there is no fire. */
  readonly fire?: ContactWiring;
  /** The switch of the controller's enclosure: at rest while it is shut. */
  readonly tamper?: ContactWiring;
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
  readonly supervision?: SupervisionWiring;
}

/**
 * Comparators that watch the resistors at the far end of a contact's wire, each with a line of its own:
 * a plain line tells two levels apart, and a wire has four states. They must be at their level before
 * the contact's `debounceMs` is over, or a cut wire reads as an open contact first.
 */
export interface SupervisionWiring {
  readonly cutLine: string;
  readonly shortedLine: string;
  /** The level that tells the fault, of both lines. */
  readonly activeLevel: Level;
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
  /** The switch that moves when the reader is taken off its wall. */
  readonly tamper?: ContactWiring;
}

export interface LampWiring {
  readonly line: string;
  readonly activeLevel: Level;
}
