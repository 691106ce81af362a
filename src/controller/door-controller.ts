import type { AlarmState } from "../../hal/alarm-input.ts";
import type { Board } from "../../hal/board.ts";
import type { LightPattern } from "../../hal/indicator.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import {
  type DoorState,
  doorAlarm,
  doorDeadline,
  doorLeaf,
  doorTroubles,
  grantReason,
} from "../core/door-machine.ts";
import type { PulseRefusal } from "../core/door-pulse.ts";
import { type Explanation, explain } from "../core/explain.ts";
import { type NextGrant, nextGrantAt } from "../core/next-grant.ts";
import type { OverrideFault, OverrideRequest } from "../core/posture.ts";
import type { Presented } from "../core/presented.ts";
import type { PinDigest } from "../domain/credential.ts";
import { doorDefaults } from "../domain/door-defaults.ts";
import type { DoorEvent, RemoteUnlockOutcome } from "../domain/event.ts";
import type { DoorId, ReaderId, UserId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { TableChange } from "../domain/table-change.ts";
import { monotonicMs, type WallTime } from "../domain/time.ts";
import type { LocalDoorStatus, LocalReaderStatus } from "../protocols/local/local-reports.ts";
import { isSameTable } from "../protocols/sync/table-order.ts";
import { AlarmWatch } from "./alarm-watch.ts";
import { boardTroubles } from "./board-troubles.ts";
import { Door } from "./door.ts";
import { DoorPostures, type Overridden } from "./door-postures.ts";
import { Entrance } from "./entrance.ts";
import type { MobileIdentity } from "./mobile-reader.ts";
import { MobileReaders } from "./mobile-readers.ts";
import { PremisesPruning } from "./premises-pruning.ts";
import type { PremisesStore } from "./premises-store.ts";
import type { ReaderEnrolment } from "./reader-enrolment.ts";
import { ReaderSession } from "./reader-session.ts";
import type { Troubles } from "./troubles.ts";

export interface DoorControllerOptions {
  readonly board: Board;
  readonly digestPin: (digits: string) => PinDigest;
  readonly record: (event: DoorEvent) => void;
  readonly troubles: Troubles;
  readonly premises: PremisesStore;
  /** Absent: no phone is answered, whatever radios the board has. */
  readonly mobile?: MobileIdentity;
}

/** Why a technician's pulse is refused, or what became of it. */
export type PulseFault =
  | PulseRefusal
  | "fire"
  | "lockdown"
  | "disabled"
  | "interlock"
  | "strike_failed";

/** The doors and readers of one board, and the table by which they decide. */
export class DoorController {
  readonly #options: DoorControllerOptions;
  readonly #doors: ReadonlyMap<DoorId, Door>;
  readonly #entrances: ReadonlyMap<DoorId, Entrance>;
  readonly #readers: readonly ReaderSession[];
  readonly #phones: MobileReaders | undefined;
  readonly #postures: DoorPostures;
  readonly #alarms: AlarmWatch;
  readonly #pruning: PremisesPruning;
  #table: AccessTable | undefined;

  /** Doors come alive with this: from here on cards are read and strikes move. */
  constructor(options: DoorControllerOptions, table: AccessTable | undefined) {
    this.#options = options;
    const { board, record, troubles, premises, digestPin } = options;
    const { clock } = board;
    this.#doors = new Map(
      board.doors.map((hardware) => [
        hardware.id,
        new Door({ hardware, clock, record, troubles, premises }),
      ]),
    );
    this.#postures = new DoorPostures({ clock, doors: this.#doors, premises, record });
    this.#pruning = new PremisesPruning(premises);
    if (table === undefined) this.#useTable(undefined);
    else this.setTable(table);
    const shared = {
      clock,
      premises,
      postures: this.#postures,
      record,
      table: () => this.#table,
    };
    this.#entrances = new Map(
      [...this.#doors].map(([id, door]) => [id, new Entrance({ door, ...shared })]),
    );
    this.#readers = board.readers.map((hardware) => {
      const door = this.#doors.get(hardware.door);
      const entrance = this.#entrances.get(hardware.door);
      // A board's profile was checked: a reader without a door is a mistake of ours.
      if (door === undefined || entrance === undefined) {
        throw new Error(`reader ${hardware.id} has no door`);
      }
      return new ReaderSession({ hardware, door, clock, entrance, digestPin, record });
    });
    this.#phones =
      options.mobile &&
      new MobileReaders({
        board,
        sessions: this.#readers,
        identity: options.mobile,
        table: () => this.#table,
        troubles,
      });
    this.#alarms = new AlarmWatch({
      board,
      record,
      onFire: (state) => this.#postures.setFire(state),
      onTamper: (reader, state) => this.#setTampered(reader, state),
    });
  }

  /** Ends every timer and hears nothing more. The board is the caller's to close, and is next. */
  close(): void {
    this.#phones?.close();
    for (const reader of this.#readers) reader.close();
    for (const entrance of this.#entrances.values()) entrance.close();
    this.#pruning.close();
    this.#postures.close();
    this.#alarms.close();
    for (const door of this.#doors.values()) door.close();
  }

  /** Replaces the table as a whole, between two decisions. */
  setTable(table: AccessTable): void {
    const before = this.#table;
    this.#useTable(table);
    this.#phones?.useTable(table);
    // The same by another layout knows whom it knew.
    if (before === undefined || !isSameTable(before.mark, table.mark)) this.#pruning.prune(table);
  }

  /** The table in use became another one in place, by these changes, between two decisions. */
  tableChanged(changes: readonly TableChange[]): void {
    const table = this.#table;
    if (table === undefined) return;
    if (changes.some(({ kind }) => kind === "frame")) this.#configure(table);
    this.#pruning.forget(changes);
    this.#postures.useTable(table);
    this.#phones?.tableChanged(table, changes);
  }

  /** The time was set, or is trusted otherwise than before: schedules are looked at again. */
  clockChanged(): void {
    this.#postures.refresh();
  }

  table(): AccessTable | undefined {
    return this.#table;
  }

  /** What would be decided of `presented` at `door`, now or at `wall`. Moves nothing. */
  explain(
    door: DoorId,
    presented: Presented,
    wall?: WallTime,
  ): Explanation & { readonly next: NextGrant } {
    const { board, premises } = this.#options;
    const present = board.clock.wall();
    const asked = wall ?? present;
    const request = {
      door,
      presented,
      wall: asked,
      // What is forgiven by then is a matter of how long it is until then.
      now: monotonicMs(board.clock.monotonic() + (asked.at - present.at)),
      premises: premises.memory,
    };
    return { ...explain(this.#table, request), next: nextGrantAt(this.#table, request) };
  }

  /** What an operator asks of a door's posture, or why it cannot be: see `DoorPostures`. */
  override(door: DoorId, asked: OverrideRequest | "clear"): Result<Overridden, OverrideFault> {
    return this.#postures.override(door, asked);
  }

  /**
   * Where this user was, or everybody, is forgotten: anti-passback takes their word for it once.
   * False, and no event, where nothing was recorded of this user.
   */
  forgive(user?: UserId): boolean {
    const { premises, record } = this.#options;
    if (user !== undefined && premises.memory.whereabouts(user) === undefined) return false;
    const whom = user === undefined ? {} : { user };
    premises.keep([{ kind: "forgiven", ...whom }]);
    record({ kind: "passback_forgiven", ...whom });
    return true;
  }

  /**
   * Releases the strike for a technician, through the door's machine and never around it. For how long, or
   * why not.
   */
  pulse(id: DoorId, forMs: number): Result<number, PulseFault> {
    const door = this.#doors.get(id);
    if (door === undefined) throw new Error(`door ${id} was not made`);
    const refusal = this.#pulseRefusal(door) ?? door.pulse(forMs);
    if (refusal !== undefined) return fail(refusal);
    const granted = Math.min(forMs, door.settings().strikeOnMaxMs);
    this.#options.record({ kind: "strike_pulsed", door: id, forMs: granted });
    return door.isCommanded() ? succeed(granted) : fail("strike_failed");
  }

  /**
   * Releases the strike for the door's own time because somebody far away says so (behaviour 36), or says
   * why not. It has been commanded when this returns.
   */
  unlock(id: DoorId): RemoteUnlockOutcome {
    const door = this.#doors.get(id);
    if (door === undefined) throw new Error(`door ${id} was not made`);
    const { posture } = this.#postures.inForce(id);
    if (posture === "lockdown" || posture === "disabled") return posture;
    if (posture === "unlocked") return "already_unlocked";
    if (!this.#isInterlockShut(door)) return "interlock";
    // Nothing would move, and whoever asked is not there to see it.
    const now = this.#options.board.clock.monotonic();
    if (grantReason(door.state(), now) === "granted_leaf_open") return "leaf_open";
    const reason = door.grant([undefined], 0);
    if (!door.isCommanded()) return "strike_failed";
    return reason === "granted" ? "released" : "already_unlocked";
  }

  /** Where the next card is told to whoever asked for it, instead of being judged. */
  enrolmentAt(reader: ReaderId): ReaderEnrolment | undefined {
    return this.#readers.find(({ id }) => id === reader)?.enrolment;
  }

  /** Of the reader, or of the enclosure that its wires lead into. */
  isTampered(reader: ReaderId): boolean {
    return this.#options.premises.memory.isTampered(reader);
  }

  /** By a radio that it has and that works: a phone can find it. */
  takesPhones(reader: ReaderId): boolean {
    const state = this.#phones?.health(reader)?.state;
    return state === "up" || state === "starting";
  }

  /** Shows a technician a light; false where there is no such reader. */
  showLight(id: ReaderId, pattern: LightPattern, forMs: number): boolean {
    const reader = this.#readers.find((one) => one.id === id);
    reader?.showLight(pattern, forMs);
    return reader !== undefined;
  }

  /** What somebody in front of the box should know first, as `fire` or `tamper:front`. */
  alarms(): readonly string[] {
    return this.#alarms.raised();
  }

  hasDoor(door: DoorId): boolean {
    return this.#doors.has(door);
  }

  doors(): readonly LocalDoorStatus[] {
    return this.#options.board.doors.map(({ id, strike }) => {
      const state = this.#stateOf(id);
      return {
        id,
        ...this.#postures.inForce(id),
        alarm: doorAlarm(state),
        strike: strike.commanded(),
        leaf: doorLeaf(state),
      };
    });
  }

  readers(): readonly LocalReaderStatus[] {
    return this.#options.board.readers.map(({ id, door, reader }) => {
      const mobile = this.#phones?.health(id);
      return { id, door, ...reader.health(), ...(mobile && { mobile }) };
    });
  }

  /**
   * For how long a door has been waiting for a step that was due, in ms; 0 as long as none is late. More
   * than a moment says that its strike may be released with nobody left to secure it.
   */
  overdueMs(): number {
    const now = this.#options.board.clock.monotonic();
    const dueAt = [...this.#doors.values()].map((door) => doorDeadline(door.state()) ?? now);
    return Math.max(0, ...dueAt.map((at) => now - at));
  }

  /** Inputs that cannot be relied on now, as `contact_chatter:front`. */
  inputTroubles(): readonly string[] {
    const ofDoors = [...this.#doors.values()].flatMap((door) =>
      doorTroubles(door.state()).map((trouble) => `${trouble}:${door.id}`),
    );
    return [...ofDoors, ...this.#alarms.troubles()];
  }

  /** What holds for everybody but who leaves holds for technicians; an enclosure stands open for them. */
  #pulseRefusal(door: Door): PulseFault | undefined {
    if (this.#alarms.raised().includes("fire")) return "fire";
    const { posture } = this.#postures.inForce(door.id);
    if (posture === "lockdown" || posture === "disabled") return posture;
    return this.#isInterlockShut(door) ? undefined : "interlock";
  }

  #isInterlockShut(door: Door): boolean {
    const { memory } = this.#options.premises;
    return door.settings().interlock.every((other) => memory.isShut(other));
  }

  #setTampered(reader: ReaderId | undefined, state: AlarmState): void {
    this.#options.premises.memory.setTampered(reader, state === "raised");
    if (state !== "raised") return;
    for (const { id, enrolment } of this.#readers) {
      if (reader === undefined || reader === id) enrolment.tampered();
    }
  }

  #stateOf(id: DoorId): DoorState {
    const door = this.#doors.get(id);
    if (door === undefined) throw new Error(`door ${id} was not made`);
    return door.state();
  }

  #useTable(table: AccessTable | undefined): void {
    this.#table = table;
    if (table !== undefined) this.#configure(table);
    this.#postures.useTable(table);
  }

  #configure(table: AccessTable): void {
    const { troubles, premises } = this.#options;
    for (const [id, door] of this.#doors) {
      const settings = table.door(id);
      troubles.set(`door_not_in_table:${id}`, settings === undefined);
      // What the site had made of a door that it gave up is not for ever; but for fire.
      const { name, fire } = door.settings();
      door.configure(settings ?? { id, name, ...doorDefaults, fire });
      premises.refile(id, door.settings().afterRestart);
    }
    for (const [trouble, isSo] of boardTroubles(this.#options.board, table)) {
      troubles.set(trouble, isSo);
    }
  }
}
