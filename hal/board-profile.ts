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
  /** Chips on the I2C bus whose lines anything above may be wired to, as `ID:A0` to `ID:B7`. */
  readonly expanders: readonly ExpanderWiring[];
  /** A clock with a battery of its own. */
  readonly clockChip?: ClockChipWiring;
}

export interface ExpanderWiring {
  /** What stands before the colon in the names of its lines. */
  readonly id: string;
  readonly kind: "mcp23017";
  /** N of `/dev/i2c-N`. */
  readonly bus: number;
  /** 0x20 to 0x27, by its three address pins. */
  readonly address: number;
  /** The board's own line that its interrupt outputs pull low. Without it the inputs are polled. */
  readonly interruptLine?: string;
  /** How often the inputs are read; beside an interrupt line, every 250 ms at most. */
  readonly pollMs: number;
}

export interface ClockChipWiring {
  readonly kind: "ds3231";
  /** N of `/dev/i2c-N`. */
  readonly bus: number;
  readonly address: number;
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
  /** The lines of a Wiegand reader: both, or neither where there is a `matrix` alone. */
  readonly d0?: string;
  readonly d1?: string;
  /** Of a keypad that is bare switches: no keypad of a Wiegand reader beside it. */
  readonly matrix?: MatrixWiring;
  /**
   * Names of Wiegand formats; the first that fits wins where two have one length. At least one of a
   * reader with `d0` and `d1`, and none of another.
   */
  readonly formats: readonly string[];
  readonly keypad: "none" | "burst_4" | "burst_8" | "pin_26";
  readonly red?: LampWiring;
  readonly green?: LampWiring;
  readonly amber?: LampWiring;
  readonly beeper?: LampWiring;
  /** The switch that moves when the reader is taken off its wall. */
  readonly tamper?: ContactWiring;
  /** Of a reader that takes mobile passes. */
  readonly ble?: BleWiring;
}

/** The adapter that is a reader's radio, and of nobody else. */
export interface BleWiring {
  /** N of `hciN`, or the socket that it is plugged into, as `1-1.2`: see `linux/ble/adapters.ts`. */
  readonly adapter: number | string;
  /** The library that drives it, by who maintains it. */
  readonly driver: "abandonware" | "stoprocent";
  /** In dBm; see `ReaderBle` of `board.ts`. */
  readonly rssiMin?: number;
}

/** Four rows of switches, each on the crossing of a row's line and a column's. From the top left. */
export interface MatrixWiring {
  readonly rows: readonly string[];
  /** Three, or four of which the last (A to D) is not used. */
  readonly columns: readonly string[];
}

export interface LampWiring {
  readonly line: string;
  readonly activeLevel: Level;
}
