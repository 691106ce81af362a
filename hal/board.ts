import type { DoorId, ReaderId } from "../src/domain/ids.ts";
import type { AlarmInput } from "./alarm-input.ts";
import type { BlePeripheral } from "./ble.ts";
import type { BoardLines } from "./board-lines.ts";
import type { Clock } from "./clock.ts";
import type { DoorPosition, RequestToExit } from "./door-inputs.ts";
import type { Indicator } from "./indicator.ts";
import type { Reader } from "./reader.ts";
import type { Strike } from "./strike.ts";

/** What is wired to one door. A door without a contact or a REX has none to ask. */
export interface DoorHardware {
  readonly id: DoorId;
  readonly strike: Strike;
  readonly position?: DoorPosition;
  readonly rex?: RequestToExit;
}

/** The radio by which a reader takes mobile passes, and what is asked of a phone that uses it. */
export interface ReaderBle {
  readonly peripheral: BlePeripheral;
  /** In dBm. A phone that is heard more weakly is refused, as is one of which the radio cannot tell. */
  readonly rssiMin?: number;
}

export interface ReaderHardware {
  readonly id: ReaderId;
  /** The door that this reader lets people through. */
  readonly door: DoorId;
  readonly reader: Reader;
  readonly indicator: Indicator;
  /** The switch that opens when the reader is taken off its wall. */
  readonly tamper?: AlarmInput;
  /** Absent: this reader takes no mobile passes. */
  readonly ble?: ReaderBle;
}

/** Everything one controller is wired to. Strikes are secured before this exists and after `close`. */
export interface Board {
  readonly clock: Clock;
  readonly doors: readonly DoorHardware[];
  readonly readers: readonly ReaderHardware[];
  /** The fire panel's relay. */
  readonly fire?: AlarmInput;
  /** The switch of the controller's own enclosure. */
  readonly tamper?: AlarmInput;
  /** Every line of it, for a technician; absent where a board has none. */
  readonly lines?: BoardLines;
  /** Secures every strike first, then frees everything. Safe to call twice. */
  close(): void;
}
