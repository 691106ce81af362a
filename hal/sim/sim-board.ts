import type { DoorId, ReaderId } from "../../src/domain/ids.ts";
import { type EdgeNs, edgeNs } from "../../src/domain/time.ts";
import type { WiegandFormat } from "../../src/protocols/wiegand/format.ts";
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
import { type OutputChange, type PlannedPull, SimGpio } from "./sim-gpio.ts";
import { type Sent, SimReader } from "./sim-reader.ts";
import { SimWallClock } from "./sim-wall-clock.ts";

/** `strike` is what its relay line does to the lock, not what anybody commanded. */
export interface SimDoorState {
  readonly strike: StrikeCommand;
  readonly leaf: Leaf;
  /** Null: this door has no REX. */
  readonly rex: RexState | null;
}

export interface SimReaderState {
  readonly led: Light;
  readonly beeper: "on" | "off";
}

export interface SimBoardState {
  readonly doors: Readonly<Record<string, SimDoorState>>;
  readonly readers: Readonly<Record<string, SimReaderState>>;
}

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

interface World {
  leaf: Leaf;
  rex: RexState | undefined;
}

/** Bounces of a contact: an odd count would leave it where it was. */
const bouncesMax = 8;
const bounceNsMax = 600_000;

/**
 * The world around the lines of a board: leaves, buttons, cards and fingers, and what can be seen of
 * strikes and lamps. It knows nothing of what the controller thinks. A leaf can be opened whatever the
 * strike does: that is force.
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
  readonly #world: ReadonlyMap<DoorWiring, World>;
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
    this.#world = new Map(
      profile.doors.map((door) => [door, { leaf: "closed", rex: door.rex ? "idle" : undefined }]),
    );
    for (const door of profile.doors) {
      this.#show(`doors.${door.id}.strike`, () => this.#doorState(door).strike, [door.strike]);
      if (door.position) this.gpio.pull(door.position.line, pullFor(door.position, "rest"));
      if (door.rex) this.gpio.pull(door.rex.line, pullFor(door.rex, "rest"));
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
    const wiring = this.#known(this.#doors, door);
    const world = this.#known(this.#world, wiring);
    if (world.leaf === leaf) return;
    world.leaf = leaf;
    if (wiring.position) this.#move(wiring.position, leaf === "open" ? "active" : "rest");
    this.#changed(`doors.${door}.leaf`, this.gpio.nowNs());
  }

  /** Throws for a door without REX, which the caller should have asked. */
  setRex(door: DoorId, rex: RexState): void {
    const wiring = this.#known(this.#doors, door);
    const world = this.#known(this.#world, wiring);
    if (wiring.rex === undefined) throw new Error(`door ${door} has no REX`);
    if (world.rex === rex) return;
    world.rex = rex;
    this.#move(wiring.rex, rex === "pressed" ? "active" : "rest");
    this.#changed(`doors.${door}.rex`, this.gpio.nowNs());
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

  /** A contact's hand moves now; what it planned before, a bounce, is over. */
  #move(wiring: ContactWiring, to: "rest" | "active"): void {
    const { gpio } = this;
    gpio.cancelPlanned(wiring.line);
    const from = to === "rest" ? "active" : "rest";
    let at = gpio.nowNs();
    const pulls: PlannedPull[] = [{ line: wiring.line, pull: pullFor(wiring, to), at }];
    if (gpio.faults.occurs("bounce", wiring.line)) {
      const random = gpio.faults.stream("bounce", wiring.line);
      for (let left = random.between(1, bouncesMax); left > 0; left -= 1) {
        for (const state of [from, to] as const) {
          at = edgeNs(at + random.between(20_000, bounceNsMax));
          pulls.push({ line: wiring.line, pull: pullFor(wiring, state), at });
        }
      }
    }
    gpio.plan(pulls);
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
    const { leaf, rex } = this.#known(this.#world, door);
    const energized = this.gpio.levelOf(door.strike.line) === door.strike.energizedLevel;
    const released = energized === (door.strike.lock === "fail_secure");
    return { strike: released ? "released" : "secured", leaf, rex: rex ?? null };
  }

  #readerState({ red, green, amber, beeper }: ReaderWiring): SimReaderState {
    const lit = (lamp: LampWiring | undefined) =>
      lamp !== undefined && this.gpio.levelOf(lamp.line) === lamp.activeLevel;
    const led = (): Light => {
      if (lit(amber) || (lit(red) && lit(green))) return "amber";
      if (lit(red)) return "red";
      return lit(green) ? "green" : "off";
    };
    return { led: led(), beeper: lit(beeper) ? "on" : "off" };
  }
}

/** A closed contact pulls its line to ground; an open one leaves it to the pull-up. */
function pullFor(wiring: ContactWiring, state: "rest" | "active"): PlannedPull["pull"] {
  const closed = (state === "rest") === (wiring.contact === "normally_closed");
  return closed ? 0 : "let_go";
}

function linesOf(profile: BoardProfile): readonly string[] {
  const ofDoors = profile.doors.flatMap((door) => [
    door.strike.line,
    door.position?.line,
    door.rex?.line,
  ]);
  const ofReaders = profile.readers.flatMap((reader) => [
    reader.d0,
    reader.d1,
    ...[reader.red, reader.green, reader.amber, reader.beeper].map((lamp) => lamp?.line),
  ]);
  return [...ofDoors, ...ofReaders].filter((line) => line !== undefined);
}
