import type { AlarmState } from "../../../hal/alarm-input.ts";
import type { Board, DoorHardware, ReaderHardware } from "../../../hal/board.ts";
import type { Clock } from "../../../hal/clock.ts";
import type { Leaf, RexState } from "../../../hal/door-inputs.ts";
import type { Indicator } from "../../../hal/indicator.ts";
import type { Reader, ReaderReport } from "../../../hal/reader.ts";
import type { Strike, StrikeCommand } from "../../../hal/strike.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import type { DoorId, ReaderId } from "../../../src/domain/ids.ts";
import type { MonotonicMs } from "../../../src/domain/time.ts";
import type { WireFault } from "../../../src/domain/wire-fault.ts";

/** A switch on a wire: what the switch is, what became of the wire, and who listens at its end. */
class PaperInput<State extends string> {
  #state: State;
  #wire: "sound" | WireFault = "sound";
  #listener: ((state: State | WireFault, at: MonotonicMs) => void) | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock, state: State) {
    this.#clock = clock;
    this.#state = state;
  }

  read(): State | WireFault {
    return this.#wire === "sound" ? this.#state : this.#wire;
  }

  listen(listener: (state: State | WireFault, at: MonotonicMs) => void): void {
    this.#listener = listener;
  }

  close(): void {
    this.#listener = undefined;
  }

  set(change: { readonly state?: State; readonly wire?: "sound" | WireFault }): void {
    const before = this.read();
    this.#state = change.state ?? this.#state;
    this.#wire = change.wire ?? this.#wire;
    if (this.read() !== before) this.#listener?.(this.read(), this.#clock.monotonic());
  }
}

export const boltFallMs = 250;

/** For how long a strike that did not take a command may be what nobody wants. */
const strikeMendedMs = 1_000;

/** A bolt that does as it is told, but for a command that is lost now and then. */
class PaperStrike implements Strike {
  command: StrikeCommand = "secured";
  /** When it was last secured, on the board's clock. */
  securedAt = Number.NEGATIVE_INFINITY;
  /** Until when its bolt was last home, if it is not now. */
  homeUntil = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;
  #failsNext = false;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failOnce(): void {
    this.#failsNext = true;
  }

  isFailing(): boolean {
    return this.#clock.monotonic() < this.#failedAt + strikeMendedMs;
  }

  drive(command: StrikeCommand): void {
    const now = this.#clock.monotonic();
    if (this.#failsNext) {
      if (command === "released" && this.isHome()) this.homeUntil = now;
      this.#failsNext = false;
      this.#failedAt = now;
      throw new HalError("io", "the paper strike did not hear");
    }
    // A command that comes late was meant for the moment at which it failed.
    const isMeantNow = !this.isFailing();
    if (command === "released" && isMeantNow && this.isHome()) this.homeUntil = now;
    if (this.command === "released" && command === "secured") this.securedAt = now;
    this.command = command;
  }

  /** A bolt takes a moment to fall. */
  isHome(): boolean {
    return this.command === "secured" && this.#clock.monotonic() >= this.securedAt + boltFallMs;
  }

  commanded(): StrikeCommand {
    return this.command;
  }

  close(): void {
    this.#failsNext = false;
    this.drive("secured");
  }
}

class PaperReader implements Reader {
  #listener: ((report: ReaderReport) => void) | undefined;

  listen(listener: (report: ReaderReport) => void): void {
    this.#listener = listener;
  }

  say(report: ReaderReport): void {
    this.#listener?.(report);
  }

  health() {
    return { frameCount: 0, misreadCounts: {}, extraBitCount: 0, lostEdgeCount: 0 };
  }

  close(): void {
    this.#listener = undefined;
  }
}

const dark: Indicator = { show: () => undefined, beep: () => undefined, close: () => undefined };

export interface DoorWiring {
  readonly id: DoorId;
  readonly hasContact: boolean;
  readonly hasRex: boolean;
  readonly readers: readonly ReaderId[];
}

/** What the inputs of a building are at the moment when its board is opened. */
export interface BoardFound {
  readonly leaf: (door: DoorId) => Leaf;
  readonly rex: (door: DoorId) => RexState;
  readonly wire: (input: string) => "sound" | WireFault;
  readonly fire: AlarmState;
  readonly tamper: (reader: ReaderId | undefined) => AlarmState;
}

interface PaperDoor {
  readonly strike: PaperStrike;
  readonly contact: PaperInput<Leaf>;
  readonly rex: PaperInput<RexState>;
}

/** The board of a building on paper: no lines, no debouncing, every interface of hal/board.ts. */
export class PaperBoard {
  readonly board: Board;
  readonly #doors: ReadonlyMap<DoorId, PaperDoor>;
  readonly #readers: ReadonlyMap<ReaderId, PaperReader>;
  readonly #tampers: ReadonlyMap<ReaderId | undefined, PaperInput<AlarmState>>;
  readonly #fire: PaperInput<AlarmState>;

  constructor(clock: Clock, wiring: readonly DoorWiring[], found: BoardFound) {
    this.#doors = new Map(
      wiring.map(({ id }) => {
        const contact = new PaperInput<Leaf>(clock, found.leaf(id));
        const rex = new PaperInput<RexState>(clock, found.rex(id));
        contact.set({ wire: found.wire(`contact ${id}`) });
        rex.set({ wire: found.wire(`rex ${id}`) });
        return [id, { strike: new PaperStrike(clock), contact, rex }];
      }),
    );
    this.#fire = new PaperInput<AlarmState>(clock, found.fire);
    this.#fire.set({ wire: found.wire("fire") });
    const everyReader = wiring.flatMap(({ readers }) => readers);
    this.#readers = new Map(everyReader.map((reader) => [reader, new PaperReader()]));
    this.#tampers = new Map(
      [undefined, ...everyReader].map((reader) => [
        reader,
        new PaperInput<AlarmState>(clock, found.tamper(reader)),
      ]),
    );
    this.board = {
      clock,
      doors: wiring.map((door) => this.#doorHardware(door)),
      readers: wiring.flatMap((door) =>
        door.readers.map((reader) => this.#readerHardware(door.id, reader)),
      ),
      fire: this.#fire,
      tamper: of(this.#tampers, undefined),
      close: () => this.close(),
    };
  }

  say(reader: ReaderId, report: ReaderReport): void {
    of(this.#readers, reader).say(report);
  }

  strike(door: DoorId): Omit<PaperStrike, "drive" | "close"> {
    return of(this.#doors, door).strike;
  }

  setLeaf(door: DoorId, state: Leaf): void {
    of(this.#doors, door).contact.set({ state });
  }

  setRex(door: DoorId, state: RexState): void {
    of(this.#doors, door).rex.set({ state });
  }

  setFire(state: AlarmState): void {
    this.#fire.set({ state });
  }

  setTamper(reader: ReaderId | undefined, state: AlarmState): void {
    of(this.#tampers, reader).set({ state });
  }

  /** `input` as in `BoardFound`. */
  setWire(input: string, wire: "sound" | WireFault): void {
    if (input === "fire") return this.#fire.set({ wire });
    for (const [id, { contact, rex }] of this.#doors) {
      if (input === `contact ${id}`) contact.set({ wire });
      if (input === `rex ${id}`) rex.set({ wire });
    }
  }

  /** The power is gone: strikes fall secured and nobody hears anything any more. */
  close(): void {
    for (const { strike, contact, rex } of this.#doors.values()) {
      strike.close();
      contact.close();
      rex.close();
    }
    for (const reader of this.#readers.values()) reader.close();
    for (const tamper of this.#tampers.values()) tamper.close();
    this.#fire.close();
  }

  #doorHardware({ id, hasContact, hasRex }: DoorWiring): DoorHardware {
    const { strike, contact, rex } = of(this.#doors, id);
    return { id, strike, ...(hasContact && { position: contact }), ...(hasRex && { rex }) };
  }

  #readerHardware(door: DoorId, id: ReaderId): ReaderHardware {
    const reader = of(this.#readers, id);
    return { id, door, reader, indicator: dark, tamper: of(this.#tampers, id) };
  }
}

/** What every door and reader of the building has. */
export function of<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw new Error(`the building has no ${String(key)}`);
  return value;
}
