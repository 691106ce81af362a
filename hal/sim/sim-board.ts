import type { DoorId, ReaderId } from "../../src/domain/ids.ts";
import type { EdgeNs } from "../../src/domain/time.ts";
import { unreachable } from "../../src/domain/unreachable.ts";
import type { WiegandFormat } from "../../src/protocols/wiegand/format.ts";
import type { AlarmState } from "../alarm-input.ts";
import type {
  BoardProfile,
  ContactWiring,
  DoorWiring,
  LampWiring,
  ReaderWiring,
} from "../board-profile.ts";
import type { Clock } from "../clock.ts";
import type { Leaf, RexState } from "../door-inputs.ts";
import type { Light } from "../indicator.ts";
import type { Key } from "../reader.ts";
import type { StrikeCommand } from "../strike.ts";
import type { FaultSettings } from "./faults.ts";
import { SimContact, type SimWire } from "./sim-contact.ts";
import { type OutputChange, SimGpio } from "./sim-gpio.ts";
import { type Sent, SimReader } from "./sim-reader.ts";
import { SimWallClock } from "./sim-wall-clock.ts";

/** `strike` is what its relay line does to the lock, not what anybody commanded. */
export interface SimDoorState {
  readonly strike: StrikeCommand;
  readonly leaf: Leaf;
  /** Null: this door has no REX. */
  readonly rex: RexState | null;
  /** Null: this door has no such input. */
  readonly wires: { readonly contact: SimWire | null; readonly rex: SimWire | null };
}

/** What the fire panel or a tamper switch says, and the state of the wire that it says it over. */
export interface SimAlarmState {
  readonly state: AlarmState;
  readonly wire: SimWire;
}

export interface SimReaderState {
  readonly led: Light;
  readonly beeper: "on" | "off";
  /** Null: this reader has no tamper switch. */
  readonly tamper: SimAlarmState | null;
}

export interface SimBoardState {
  readonly doors: Readonly<Record<string, SimDoorState>>;
  readonly readers: Readonly<Record<string, SimReaderState>>;
  /** Null: no fire panel is wired to this board. */
  readonly fire: SimAlarmState | null;
  /** Of the enclosure. Null: it has no tamper switch. */
  readonly tamper: SimAlarmState | null;
}

/** The fire panel, or a tamper switch: without a reader, that of the enclosure. */
export type SimAlarm =
  | { readonly kind: "fire" }
  | { readonly kind: "tamper"; readonly reader?: ReaderId };

/** Whatever has a wire that can be cut. */
export type SimInput = SimAlarm | { readonly kind: "contact" | "rex"; readonly door: DoorId };

/** `changed` is a path into `state`, such as `doors.front.strike`; `at` when its line changed. */
export interface SimBoardChange {
  readonly changed: string;
  readonly at: EdgeNs;
  readonly state: SimBoardState;
}

export interface SimBoardWatcher {
  /** Called after the change, never from within the call that drives a line. Must not throw. */
  changed(change: SimBoardChange): void;
  closed(): void;
}

/** What one thing looked like when it was last told: lines may move without it changing. */
interface Part {
  readonly path: string;
  readonly look: () => string;
  last: string;
}

/** A door has a leaf whether or not a contact watches it. */
interface World {
  leaf: Leaf;
  readonly position: SimContact | undefined;
  readonly rex: SimContact | undefined;
}

/**
 * The world around the lines of a board: leaves, buttons, cards and fingers, fire, people with
 * screwdrivers and pliers, and what can be seen of strikes and lamps. It knows nothing of what the
 * controller thinks. A leaf can be opened whatever the strike does: that is force.
 */
export class SimBoard {
  readonly gpio: SimGpio;
  /** For the controller: the clock that was given, but with a wall time that can be set wrong. */
  readonly clock: SimWallClock;
  readonly profile: BoardProfile;
  /** Those of which cards can be presented here; not only those that the readers are set to. */
  readonly formats: readonly WiegandFormat[];
  readonly #doors: ReadonlyMap<string, DoorWiring>;
  readonly #readers: ReadonlyMap<string, SimReader>;
  readonly #world: ReadonlyMap<string, World>;
  readonly #fire: SimContact | undefined;
  readonly #tamper: SimContact | undefined;
  readonly #readerTampers: ReadonlyMap<string, SimContact | undefined>;
  readonly #watchers = new Set<SimBoardWatcher>();
  /** Which part of the state an output line shows. */
  readonly #partOfLine = new Map<string, Part>();
  /** Lamps that changed in this turn: several lines make one light. */
  readonly #changedLamps = new Map<Part, EdgeNs>();

  constructor(options: {
    readonly profile: BoardProfile;
    readonly clock: Clock;
    readonly formats: readonly WiegandFormat[];
  }) {
    const { profile, clock, formats } = options;
    this.profile = profile;
    const gpio = new SimGpio({ clock, lines: linesOf(profile) });
    this.gpio = gpio;
    this.clock = new SimWallClock(clock, () => gpio.heldUntil());
    this.formats = formats;
    this.#doors = new Map(profile.doors.map((door) => [door.id, door]));
    this.#readers = new Map(
      profile.readers.map((wiring) => [
        wiring.id,
        new SimReader({ gpio: this.gpio, clock, wiring }),
      ]),
    );
    const contact = (wiring: ContactWiring | undefined) =>
      wiring && new SimContact({ gpio, wiring });
    this.#world = new Map(
      profile.doors.map(({ id, position, rex }) => [
        id,
        { leaf: "closed", position: contact(position), rex: contact(rex) },
      ]),
    );
    this.#fire = contact(profile.fire);
    this.#tamper = contact(profile.tamper);
    this.#readerTampers = new Map(profile.readers.map(({ id, tamper }) => [id, contact(tamper)]));
    for (const door of profile.doors) {
      this.#show(`doors.${door.id}.strike`, () => this.#doorState(door).strike, [door.strike]);
    }
    for (const wiring of profile.readers) {
      const { id, red, green, amber, beeper } = wiring;
      this.#show(`readers.${id}.led`, () => this.#readerState(wiring).led, [red, green, amber]);
      this.#show(`readers.${id}.beeper`, () => this.#readerState(wiring).beeper, [beeper]);
    }
    this.gpio.watchOutputs((change) => this.#outputChanged(change));
  }

  state(): SimBoardState {
    return {
      doors: Object.fromEntries(this.profile.doors.map((door) => [door.id, this.#doorState(door)])),
      readers: Object.fromEntries(
        this.profile.readers.map((reader) => [reader.id, this.#readerState(reader)]),
      ),
      fire: alarmState(this.#fire),
      tamper: alarmState(this.#tamper),
    };
  }

  door(id: string): DoorWiring | undefined {
    return this.#doors.get(id);
  }

  reader(id: string): SimReader | undefined {
    return this.#readers.get(id);
  }

  /** Resolves soon after the last edge was put on the lines. Rejects with `ReaderBusy`. */
  async presentCard(reader: ReaderId, bits: string): Promise<Sent> {
    return this.#known(this.#readers, reader).present(bits);
  }

  async typeKeys(reader: ReaderId, keys: readonly Key[]): Promise<Sent> {
    return this.#known(this.#readers, reader).type(keys);
  }

  setLeaf(door: DoorId, leaf: Leaf): void {
    const world = this.#known(this.#world, door);
    if (world.leaf === leaf) return;
    world.leaf = leaf;
    world.position?.move(leaf === "open" ? "active" : "rest");
    this.#changed(`doors.${door}.leaf`, this.gpio.nowNs());
  }

  /** Throws for a door without REX, which the caller should have asked. */
  setRex(door: DoorId, rex: RexState): void {
    this.#move({ kind: "rex", door }, rex === "pressed" ? "active" : "rest");
  }

  /** Throws where there is no such input, as does `setWire`; `has` tells. */
  setAlarm(alarm: SimAlarm, state: AlarmState): void {
    this.#move(alarm, state === "raised" ? "active" : "rest");
  }

  /** What the wire's contact does is its own: it says so again when the wire is sound. */
  setWire(input: SimInput, wire: SimWire): void {
    const contact = this.#wired(input);
    if (contact.wire === wire) return;
    contact.setWire(wire);
    const isDoors = input.kind === "contact" || input.kind === "rex";
    this.#changed(isDoors ? `doors.${input.door}.wires` : pathOf(input), this.gpio.nowNs());
  }

  /** Is there such an input on this board? */
  has(input: SimInput): boolean {
    return this.#contactOf(input) !== undefined;
  }

  setFaults(settings: FaultSettings): void {
    this.gpio.setFaults(settings);
  }

  /** Returns what ends the watching. */
  watch(watcher: SimBoardWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Ends every stream and every presentation that waits. The lines stay as they are. */
  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    for (const watcher of [...this.#watchers]) watcher.closed();
    this.#watchers.clear();
  }

  #known<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
    const value = map.get(key);
    if (value === undefined) throw new Error(`the board's profile has no ${String(key)}`);
    return value;
  }

  #contactOf(input: SimInput): SimContact | undefined {
    switch (input.kind) {
      case "fire":
        return this.#fire;
      case "tamper":
        return input.reader === undefined ? this.#tamper : this.#readerTampers.get(input.reader);
      case "contact":
        return this.#world.get(input.door)?.position;
      case "rex":
        return this.#world.get(input.door)?.rex;
      default:
        return unreachable(input);
    }
  }

  #wired(input: SimInput): SimContact {
    const contact = this.#contactOf(input);
    if (contact === undefined) throw new Error(`the board's profile has no ${pathOf(input)}`);
    return contact;
  }

  #move(input: SimInput, to: "rest" | "active"): void {
    const contact = this.#wired(input);
    if (contact.state === to) return;
    contact.move(to);
    this.#changed(pathOf(input), this.gpio.nowNs());
  }

  #show(
    path: string,
    look: () => string,
    wirings: readonly ({ readonly line: string } | undefined)[],
  ): void {
    const part: Part = { path, look, last: look() };
    for (const wiring of wirings) if (wiring) this.#partOfLine.set(wiring.line, part);
  }

  #outputChanged({ line, at }: OutputChange): void {
    const part = this.#partOfLine.get(line);
    if (part === undefined) return;
    if (!part.path.endsWith(".led")) {
      this.#looked(part, at);
      return;
    }
    if (this.#changedLamps.size === 0) queueMicrotask(() => this.#lampsChanged());
    this.#changedLamps.set(part, at);
  }

  #lampsChanged(): void {
    const changed = [...this.#changedLamps];
    this.#changedLamps.clear();
    for (const [part, at] of changed) this.#looked(part, at);
  }

  #looked(part: Part, at: EdgeNs): void {
    const now = part.look();
    if (now === part.last) return;
    part.last = now;
    this.#changed(part.path, at);
  }

  /** The state is taken now; telling waits, because a strike is being driven at this moment. */
  #changed(changed: string, at: EdgeNs): void {
    if (this.#watchers.size === 0) return;
    const change: SimBoardChange = { changed, at, state: this.state() };
    queueMicrotask(() => {
      for (const watcher of [...this.#watchers]) watcher.changed(change);
    });
  }

  #doorState(door: DoorWiring): SimDoorState {
    const { leaf, position, rex } = this.#known(this.#world, door.id);
    const energized = this.gpio.levelOf(door.strike.line) === door.strike.energizedLevel;
    const released = energized === (door.strike.lock === "fail_secure");
    const pressed = rex?.state === "active" ? "pressed" : "idle";
    return {
      strike: released ? "released" : "secured",
      leaf,
      rex: rex === undefined ? null : pressed,
      wires: { contact: position?.wire ?? null, rex: rex?.wire ?? null },
    };
  }

  #readerState({ id, red, green, amber, beeper }: ReaderWiring): SimReaderState {
    const lit = (lamp: LampWiring | undefined) =>
      lamp !== undefined && this.gpio.levelOf(lamp.line) === lamp.activeLevel;
    const led = (): Light => {
      if (lit(amber) || (lit(red) && lit(green))) return "amber";
      if (lit(red)) return "red";
      return lit(green) ? "green" : "off";
    };
    return {
      led: led(),
      beeper: lit(beeper) ? "on" : "off",
      tamper: alarmState(this.#readerTampers.get(id)),
    };
  }
}

function alarmState(contact: SimContact | undefined): SimAlarmState | null {
  if (contact === undefined) return null;
  return { state: contact.state === "active" ? "raised" : "idle", wire: contact.wire };
}

/** Where the state shows it. */
function pathOf(input: SimInput): string {
  switch (input.kind) {
    case "fire":
      return "fire";
    case "tamper":
      return input.reader === undefined ? "tamper" : `readers.${input.reader}.tamper`;
    case "contact":
      return `doors.${input.door}.leaf`;
    case "rex":
      return `doors.${input.door}.rex`;
    default:
      return unreachable(input);
  }
}

function linesOf(profile: BoardProfile): readonly string[] {
  const ofContact = (wiring: ContactWiring | undefined) => [
    wiring?.line,
    wiring?.supervision?.cutLine,
    wiring?.supervision?.shortedLine,
  ];
  const ofDoors = profile.doors.flatMap((door) => [
    door.strike.line,
    ...ofContact(door.position),
    ...ofContact(door.rex),
  ]);
  const ofReaders = profile.readers.flatMap((reader) => [
    reader.d0,
    reader.d1,
    ...(reader.matrix?.rows ?? []),
    ...(reader.matrix?.columns ?? []),
    ...[reader.red, reader.green, reader.amber, reader.beeper].map((lamp) => lamp?.line),
    ...ofContact(reader.tamper),
  ]);
  const ofBoard = [...ofContact(profile.fire), ...ofContact(profile.tamper)];
  return [...ofDoors, ...ofReaders, ...ofBoard].filter((line) => line !== undefined);
}
