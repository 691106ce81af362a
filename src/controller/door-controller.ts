import type { Board } from "../../hal/board.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import { authorize } from "../core/authorize.ts";
import {
  type DoorState,
  doorAlarm,
  doorLeaf,
  doorTroubles,
  doorUnlocked,
} from "../core/door-machine.ts";
import { type Explanation, explain } from "../core/explain.ts";
import { unknownPremises } from "../core/premises.ts";
import type { Presented } from "../core/presented.ts";
import type { PinDigest } from "../domain/credential.ts";
import type { DoorEvent } from "../domain/event.ts";
import type { DoorId } from "../domain/ids.ts";
import type { WallTime } from "../domain/time.ts";
import type { LocalDoorStatus, LocalReaderStatus } from "../protocols/local/local-reports.ts";
import { Door } from "./door.ts";
import { ReaderSession } from "./reader-session.ts";
import type { Troubles } from "./troubles.ts";

export interface DoorControllerOptions {
  readonly board: Board;
  readonly digestPin: (digits: string) => PinDigest;
  readonly record: (event: DoorEvent) => void;
  readonly troubles: Troubles;
}

/** The doors and readers of one board, and the table by which they decide. */
export class DoorController {
  readonly #options: DoorControllerOptions;
  readonly #doors: ReadonlyMap<DoorId, Door>;
  readonly #readers: readonly ReaderSession[];
  #table: AccessTable | undefined;

  /** Doors come alive with this: from here on cards are read and strikes move. */
  constructor(options: DoorControllerOptions, table: AccessTable | undefined) {
    this.#options = options;
    const { board, record, troubles } = options;
    const { clock } = board;
    this.#doors = new Map(
      board.doors.map((hardware) => [hardware.id, new Door({ hardware, clock, record, troubles })]),
    );
    this.#useTable(table);
    this.#readers = board.readers.map((hardware) => {
      const door = this.#doors.get(hardware.door);
      // A board's profile was checked: a reader without a door is a mistake of ours.
      if (door === undefined) throw new Error(`reader ${hardware.id} has no door`);
      const decide = (presented: Presented) =>
        authorize(this.#table, {
          door: door.id,
          reader: hardware.id,
          presented,
          wall: clock.wall(),
          now: clock.monotonic(),
          premises: unknownPremises,
        });
      const { digestPin } = options;
      return new ReaderSession({ hardware, door, clock, decide, digestPin, record });
    });
  }

  /** Ends every timer and hears nothing more. The board is the caller's to close, and is next. */
  close(): void {
    for (const reader of this.#readers) reader.close();
    for (const door of this.#doors.values()) door.close();
  }

  /** Replaces the table as a whole, between two decisions. */
  setTable(table: AccessTable): void {
    this.#useTable(table);
  }

  table(): AccessTable | undefined {
    return this.#table;
  }

  /** What would be decided of `presented` at `door`, now or at `wall`. Moves nothing. */
  explain(door: DoorId, presented: Presented, wall?: WallTime): Explanation {
    const { clock } = this.#options.board;
    return explain(this.#table, {
      door,
      presented,
      wall: wall ?? clock.wall(),
      now: clock.monotonic(),
      premises: unknownPremises,
    });
  }

  hasDoor(door: DoorId): boolean {
    return this.#doors.has(door);
  }

  doors(): readonly LocalDoorStatus[] {
    return this.#options.board.doors.map(({ id, strike }) => {
      const state = this.#stateOf(id);
      const alarm = doorAlarm(state);
      const unlocked = doorUnlocked(state) ? "unlocked" : "secured";
      return {
        id,
        state: alarm === "none" ? unlocked : alarm,
        strike: strike.commanded(),
        leaf: doorLeaf(state),
      };
    });
  }

  readers(): readonly LocalReaderStatus[] {
    return this.#options.board.readers.map(({ id, door, reader }) => ({
      id,
      door,
      ...reader.health(),
    }));
  }

  /** Inputs that cannot be relied on now, as `contact_chatter:front`. */
  inputTroubles(): readonly string[] {
    return [...this.#doors.values()].flatMap((door) =>
      doorTroubles(door.state()).map((trouble) => `${trouble}:${door.id}`),
    );
  }

  #stateOf(id: DoorId): DoorState {
    const door = this.#doors.get(id);
    if (door === undefined) throw new Error(`door ${id} was not made`);
    return door.state();
  }

  #useTable(table: AccessTable | undefined): void {
    this.#table = table;
    if (table === undefined) return;
    const { troubles } = this.#options;
    for (const [id, door] of this.#doors) {
      const settings = table.door(id);
      const trouble = `door_not_in_table:${id}`;
      if (settings === undefined) {
        troubles.raise(trouble);
      } else {
        door.configure(settings);
        troubles.clear(trouble);
      }
    }
  }
}
