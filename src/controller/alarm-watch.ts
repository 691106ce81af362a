import type { AlarmInput, AlarmState } from "../../hal/alarm-input.ts";
import type { Board } from "../../hal/board.ts";
import type { Clock } from "../../hal/clock.ts";
import { foundFaultTellMs } from "../core/found-fault.ts";
import type { DoorEvent } from "../domain/event.ts";
import type { ReaderId } from "../domain/ids.ts";
import { monotonicMs } from "../domain/time.ts";
import type { WireFault } from "../domain/wire-fault.ts";
import { Deadline } from "./deadline.ts";

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

/** The fire panel's relay and the tamper switches. */
export class AlarmWatch {
  readonly #lines: readonly AlarmLine[];

  constructor(options: AlarmWatchOptions) {
    const { board, record, onFire, onTamper } = options;
    const { clock } = board;
    const fire = (input: AlarmInput) => {
      return new AlarmLine(input, { input: "fire" }, { clock, record, act: onFire });
    };
    const tamper = (input: AlarmInput, reader?: ReaderId) => {
      const act = (state: AlarmState) => onTamper(reader, state);
      const name = { input: "tamper", ...(reader !== undefined && { reader }) } as const;
      return new AlarmLine(input, name, { clock, record, act });
    };
    this.#lines = [
      ...(board.fire === undefined ? [] : [fire(board.fire)]),
      ...(board.tamper === undefined ? [] : [tamper(board.tamper)]),
      ...board.readers.flatMap((one) => (one.tamper ? [tamper(one.tamper, one.id)] : [])),
    ];
  }

  /** What is raised now, as `fire` or `tamper:front`. */
  raised(): readonly string[] {
    return this.#lines.flatMap((line) => (line.isRaised ? [line.title] : []));
  }

  /** Inputs whose wire is at fault now, as `fire_cut` or `tamper_shorted:front`. */
  troubles(): readonly string[] {
    return this.#lines.flatMap((line) => line.trouble ?? []);
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }
}

/**
 * One such input. A fault of the fire wire opens nothing, or a pair of pliers would be a key; a fault
 * of a tamper wire is tampering. What is found at the start is acted on at once and is no event
 * (behaviour 32); if it is still so a little later it is told, or whoever cuts the power first could
 * open the box unseen.
 */
class AlarmLine {
  readonly #name: AlarmName;
  readonly #record: (event: DoorEvent) => void;
  readonly #act: (state: AlarmState) => void;
  readonly #tellFound: Deadline;
  #state: AlarmState = "idle";
  #fault: WireFault | "none" = "none";
  #toldState: AlarmState = "idle";
  #toldFault: WireFault | "none" = "none";

  constructor(
    input: AlarmInput,
    name: AlarmName,
    options: {
      readonly clock: Clock;
      readonly record: (event: DoorEvent) => void;
      readonly act: (state: AlarmState) => void;
    },
  ) {
    const { clock, record, act } = options;
    this.#name = name;
    this.#record = record;
    this.#act = act;
    this.#tellFound = new Deadline(clock, () => this.#tell());
    this.#take(input.read());
    if (this.#state !== "idle" || this.#fault !== "none") {
      this.#tellFound.set(monotonicMs(clock.monotonic() + foundFaultTellMs));
    }
    input.listen((read) => {
      this.#tellFound.set(undefined);
      this.#take(read);
      this.#tell();
    });
  }

  get isRaised(): boolean {
    return this.#state === "raised";
  }

  get title(): string {
    return `${this.#name.input}${this.#place}`;
  }

  get trouble(): string | undefined {
    return this.#fault === "none" ? undefined : `${this.#name.input}_${this.#fault}${this.#place}`;
  }

  close(): void {
    this.#tellFound.set(undefined);
  }

  get #place(): string {
    const name = this.#name;
    return name.input === "tamper" && name.reader !== undefined ? `:${name.reader}` : "";
  }

  #take(read: AlarmState | WireFault): void {
    const before = this.#state;
    if (read === "raised" || read === "idle") {
      this.#fault = "none";
      this.#state = read;
    } else {
      this.#fault = read;
      // A fire whose wire burns through goes on.
      if (this.#name.input === "tamper") this.#state = "raised";
    }
    if (this.#state !== before) this.#act(this.#state);
  }

  #tell(): void {
    const name = this.#name;
    if (this.#fault !== this.#toldFault) {
      this.#toldFault = this.#fault;
      this.#record({ kind: "alarm_input_fault", ...name, fault: this.#fault });
    }
    if (this.#state === this.#toldState) return;
    this.#toldState = this.#state;
    const state = this.#state === "raised" ? "raised" : "cleared";
    if (name.input === "fire") return this.#record({ kind: "fire", state });
    const { reader } = name;
    this.#record({ kind: "tamper", ...(reader !== undefined && { reader }), state });
  }
}
