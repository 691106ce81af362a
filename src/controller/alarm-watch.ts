import type { AlarmInput, AlarmState } from "../../hal/alarm-input.ts";
import type { Board } from "../../hal/board.ts";
import type { DoorEvent } from "../domain/event.ts";
import type { ReaderId } from "../domain/ids.ts";
import type { WireFault } from "../domain/wire-fault.ts";

export interface AlarmWatchOptions {
  readonly board: Board;
  readonly record: (event: DoorEvent) => void;
  readonly onFire: (state: AlarmState) => void;
  /** `undefined`: the controller's own enclosure. */
  readonly onTamper: (reader: ReaderId | undefined, state: AlarmState) => void;
}

type AlarmName =
  | { readonly input: "fire" }
  | { readonly input: "tamper"; readonly reader?: ReaderId };

/**
 * The fire panel's relay and the tamper switches. What they read at the start is acted on and is no
 * event (behaviour 32). A fault of the fire wire opens nothing, or a pair of pliers would be a key; a
 * fault of a tamper wire is tampering.
 */
export class AlarmWatch {
  readonly #options: AlarmWatchOptions;
  readonly #faults = new Map<string, string>();

  constructor(options: AlarmWatchOptions) {
    this.#options = options;
    const { board } = options;
    if (board.fire !== undefined) this.#watch(board.fire, { input: "fire" });
    if (board.tamper !== undefined) this.#watch(board.tamper, { input: "tamper" });
    for (const { id, tamper } of board.readers) {
      if (tamper !== undefined) this.#watch(tamper, { input: "tamper", reader: id });
    }
  }

  /** Inputs whose wire is at fault now, as `fire_cut` or `tamper_shorted:front`. */
  troubles(): readonly string[] {
    return [...this.#faults.values()];
  }

  #watch(input: AlarmInput, name: AlarmName): void {
    let state: AlarmState = "idle";
    const take = (read: AlarmState | WireFault): boolean => {
      const next = stateOf(name, read, state);
      this.#noteFault(name, read);
      if (next === state) return false;
      state = next;
      this.#act(name, state);
      return true;
    };
    let fault = faultOf(input.read());
    take(input.read());
    input.listen((read) => {
      const isChange = take(read);
      const { record } = this.#options;
      if (faultOf(read) !== fault) {
        fault = faultOf(read);
        record({ kind: "alarm_input_fault", ...name, fault });
      }
      if (!isChange) return;
      const told = state === "raised" ? "raised" : "cleared";
      if (name.input === "fire") record({ kind: "fire", state: told });
      else record({ kind: "tamper", ...readerOf(name), state: told });
    });
  }

  #act(name: AlarmName, state: AlarmState): void {
    if (name.input === "fire") this.#options.onFire(state);
    else this.#options.onTamper(name.reader, state);
  }

  #noteFault(name: AlarmName, read: AlarmState | WireFault): void {
    const at = name.input === "tamper" && name.reader !== undefined ? `:${name.reader}` : "";
    const fault = faultOf(read);
    if (fault === "none") this.#faults.delete(`${name.input}${at}`);
    else this.#faults.set(`${name.input}${at}`, `${name.input}_${fault}${at}`);
  }
}

/** A fire whose wire burns through goes on. */
function stateOf(
  { input }: AlarmName,
  read: AlarmState | WireFault,
  before: AlarmState,
): AlarmState {
  if (read === "raised" || read === "idle") return read;
  return input === "tamper" ? "raised" : before;
}

function faultOf(read: AlarmState | WireFault): WireFault | "none" {
  return read === "cut" || read === "shorted" ? read : "none";
}

function readerOf(name: Extract<AlarmName, { readonly input: "tamper" }>): {
  readonly reader?: ReaderId;
} {
  return name.reader === undefined ? {} : { reader: name.reader };
}
