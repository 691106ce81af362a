import { setImmediate as turn } from "node:timers/promises";
import type { Seeded } from "../../../hal/sim/seeded.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { Troubles } from "../../../src/controller/troubles.ts";
import type { OverrideRequest } from "../../../src/core/posture.ts";
import type { TableContent } from "../../../src/domain/access.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import type { DoorId, ReaderId, UserId } from "../../../src/domain/ids.ts";
import { type ClockQuality, edgeNs, epochMs } from "../../../src/domain/time.ts";
import { PaperPremisesDisk } from "../../unit/controller/paper-premises.ts";
import { BrokenPromise } from "./broken-promise.ts";
import { chatterWindowMs, House } from "./house.ts";
import { Inputs, type InputsHost } from "./inputs.ts";
import { Inspector } from "./inspector.ts";
import { boltFallMs, PaperBoard } from "./paper-board.ts";
import {
  type DoorPlace,
  digestOf,
  doorPlaces,
  drawContent,
  drawOpening,
  placeOf,
  wiring,
} from "./plan.ts";
import { type Presentation, shownBy } from "./presentation.ts";
import type { Controlled, Subject } from "./subject.ts";
import { type Grant, Truth } from "./truth.ts";

export interface WorldOptions {
  readonly subject: Subject;
  readonly random: Seeded;
  /** Called with a line for each thing that happens. */
  readonly trace?: ((line: string) => void) | undefined;
}

const foundToldMs = 1_000;
const strikeMendedMs = 1_000;
/** A controller that knows no time looks at its schedules this often, and a little later. */
const clockSetNoticedMs = 61_000;

/**
 * A house of five doors with people in it, a controller on a board of paper and a disk of paper, and a
 * mains supply that fails. What is so stands here and in the truth; the controller only hears of it.
 */
export class BuildingWorld {
  readonly truth: Truth;
  /** Whoever goes anywhere shows his card and goes alone: then the records are what is so. */
  readonly isOrderly: boolean;
  readonly disk = new PaperPremisesDisk();
  readonly eventCounts = new Map<string, number>();
  readonly house = new House();
  readonly inputs: Inputs;
  readonly #options: WorldOptions;
  readonly #inspector: Inspector;
  #clock: SimClock;
  /** What a good clock would say, less `monotonic`. */
  #trueOffsetMs: number;
  #board: PaperBoard;
  #troubles: Troubles = new Troubles(() => undefined);
  #controller: Controlled;

  constructor(options: WorldOptions) {
    const { random } = options;
    this.#options = options;
    const openedAt = drawOpening(random);
    this.#clock = new SimClock({ monotonicAt: 1_000_000, wallAt: openedAt });
    this.#trueOffsetMs = openedAt - this.#clock.monotonic();
    this.truth = new Truth(drawContent(random, openedAt), {
      leaf: (door) => this.house.leafSeen(door),
      isContactFaulty: (door) => this.house.wire(`contact ${door}`) !== "sound",
      isReleased: (door) => this.isReleased(door),
      isRexPressed: (door) => this.house.isRexSeenPressed(door),
      isBoltHome: (door) => this.#isBoltHome(door),
      wasBoltHomeAfter: (door, at) =>
        !this.isStrikeFailing(door) &&
        (this.#isBoltHome(door) || this.#board.strike(door).homeUntil > at),
      now: () => this.#clock.monotonic(),
      wall: () => this.#clock.wall(),
    });
    this.isOrderly = random.chance(0.25);
    this.#inspector = new Inspector(this);
    this.inputs = new Inputs(this.#inputsHost());
    this.#say(`opened ${new Date(openedAt).toISOString()}`);
    this.#say(JSON.stringify(this.truth.content));
    ({ board: this.#board, controller: this.#controller } = this.#boot());
    this.#inspector.look();
  }

  get now(): number {
    return this.#clock.monotonic();
  }

  get trueWallAt(): number {
    return this.#clock.monotonic() + this.#trueOffsetMs;
  }

  get quality(): ClockQuality {
    return this.#clock.wall().quality;
  }

  isReleased(door: DoorId): boolean {
    return this.#board.strike(door).command === "released";
  }

  isStrikeFailing(door: DoorId): boolean {
    return this.#board.strike(door).isFailing();
  }

  /** The next command to this strike is lost on its way. */
  failStrike(door: DoorId): void {
    this.#say(`the strike of ${door} will not take a command`);
    this.#board.strike(door).failOnce();
  }

  /** What a technician is told of now, by name. */
  troubles(): readonly string[] {
    return this.#troubles.active();
  }

  /** Whether the leaf gives way to a hand. */
  canOpen(door: DoorId): boolean {
    return (
      this.house.leaves.get(door) === "open" || this.isReleased(door) || !this.#isBoltHome(door)
    );
  }

  /** Somebody shows something. `disk`: what the disk does about a use that has to be written. */
  async present(
    reader: ReaderId,
    presentation: Presentation,
    disk: "works" | "refuses" | "is_slow" | "loses_power" = "works",
    meanwhile: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const door = placeOf(reader).id;
    await this.#letBoltsFall();
    this.#say(`${reader}: ${JSON.stringify(presentation)}, the disk ${disk}`);
    const grant = this.truth.present(reader, shownBy(presentation));
    const isCounted = grant !== undefined && grant.uses.length > 0;
    const isLate = isCounted && disk !== "works";
    const wasReleased = this.isReleased(door);
    const isReleaseDue = grant !== undefined && !isLate && this.truth.admit(grant);
    if (isLate) this.disk.state = disk === "refuses" ? "refuses" : "hangs";
    this.#report(reader, presentation);
    await turn();
    if (isLate) {
      this.truth.claim(grant);
      this.#checkUnmoved(door, wasReleased);
      await meanwhile();
      return this.#presentLate(grant, disk);
    }
    this.#checkRelease(door, isReleaseDue);
    await this.#settle();
  }

  /** A strike that did not take a command has it within a second, whatever goes on meanwhile. */
  async #settle(): Promise<void> {
    await turn();
    this.#inspector.look();
    if (doorPlaces.some(({ id }) => this.isStrikeFailing(id))) await this.pass(strikeMendedMs);
  }

  /** The use was asked for and is not on disk: until it is, nothing moves. */
  #checkUnmoved(door: DoorId, wasReleased: boolean): void {
    if (this.isReleased(door) === wasReleased) return;
    throw new BrokenPromise(`the strike of ${door} moved before the use was on disk`);
  }

  async #presentLate(grant: Grant, disk: "refuses" | "is_slow" | "loses_power"): Promise<void> {
    const { door } = grant;
    this.truth.withdraw(grant);
    if (disk === "refuses") this.truth.refuse(grant, "use_not_recorded");
    this.#inspector.look();
    if (disk === "loses_power") return this.cutPower(2_000);
    const still = disk === "is_slow" ? this.truth.decideAgain(grant) : undefined;
    const isReleaseDue = still !== undefined && this.truth.admit(still);
    this.disk.works();
    await turn();
    this.#checkRelease(door, isReleaseDue);
    await this.#settle();
  }

  /** Moves the leaf, whatever holds it; who may is for the moves to know. */
  async moveLeaf(door: DoorId, to: "open" | "closed"): Promise<void> {
    if (this.house.leaves.get(door) === to) return;
    this.house.leaves.set(door, to);
    this.#say(`leaf of ${door} ${to}`);
    if (this.house.leafSeen(door) !== "unknown") this.truth.leafMoved(door, to);
    this.house.contactChanges(door, this.now);
    this.#board.setLeaf(door, to);
    await this.#settle();
  }

  /** Nobody changes a contact so fast that it looks like a loose wire. */
  async calmContact(door: DoorId): Promise<void> {
    if (!this.house.isContactCalm(door, this.now)) await this.pass(chatterWindowMs);
  }

  /** One user walks through an open or openable door; those who hold it open close it by themselves. */
  async walk(user: UserId, place: DoorPlace): Promise<boolean> {
    await this.calmContact(place.id);
    if (!this.canOpen(place.id)) return false;
    const to = this.house.rooms.get(user) === place.inside ? place.outside : place.inside;
    await this.moveLeaf(place.id, "open");
    this.house.rooms.set(user, to);
    this.#say(`${user} walks through ${place.id} into the ${to}`);
    this.#inspector.look();
    return true;
  }

  /** A technician tries the strike. */
  async pulse(door: DoorId, forMs: number): Promise<void> {
    await this.#letBoltsFall();
    this.#say(`technician: ${door} for ${forMs} ms`);
    const due = this.truth.pulse(door, forMs);
    const answer = this.#controller.pulse(door, forMs);
    this.#checkRelease(door, due === "released");
    const expected = due === "released" && !this.isReleased(door) ? "strike_failed" : due;
    if (answer !== expected) {
      throw new BrokenPromise(`a pulse at ${door} was answered ${answer}, not ${expected}`);
    }
    await this.#settle();
  }

  async override(door: DoorId, asked: OverrideRequest): Promise<void> {
    const until = asked.until === "cleared" ? undefined : this.truth.nextUnlockChange(door);
    if (asked.until === "next_change" && until === undefined && this.quality !== "unknown") return;
    const { posture } = asked;
    const isPossible =
      asked.until === "cleared" || (posture !== "lockdown" && this.quality !== "unknown");
    this.#say(`operator: ${door} ${posture} until ${asked.until}`);
    const since = this.#clock.wall().at;
    const ends = until === undefined ? {} : { until, since };
    if (isPossible) this.truth.override(door, { posture, ...ends });
    if (this.#controller.override(door, asked) !== isPossible) {
      throw new BrokenPromise(`the override was ${isPossible ? "refused" : "accepted"}`);
    }
    await this.#settle();
  }

  async clearOverride(door: DoorId): Promise<void> {
    this.#say(`operator: ${door} cleared`);
    this.truth.override(door, undefined);
    this.#controller.override(door, "clear");
    await this.#settle();
  }

  async forgive(user: UserId | undefined): Promise<void> {
    this.#say(`operator: ${user ?? "everybody"} forgiven`);
    this.truth.forgive(user);
    this.#controller.forgive(user);
    await this.#settle();
  }

  async setTable(content: TableContent): Promise<void> {
    this.#say(`table ${content.table.version}`);
    this.truth.setTable(content);
    this.#controller.setTable(content);
    await this.#settle();
  }

  moveEnds(): void {
    this.#inspector.countPeople();
  }

  async pass(ms: number): Promise<void> {
    this.#clock.advance(ms);
    await this.#settle();
  }

  /** The clock loses the time, or gets it back; the controller notices within a minute. */
  async setClock(quality: ClockQuality, offByMs: number): Promise<void> {
    this.#say(`clock ${quality}, off by ${offByMs} ms`);
    this.#clock.setWall({ at: epochMs(this.trueWallAt + offByMs), quality });
    this.truth.clockWasSet();
    await this.pass(clockSetNoticedMs);
  }

  /** Whatever was not on disk is lost, and the process knows only what it finds. */
  async cutPower(downMs: number, how: "at_once" | "in_order" = "at_once"): Promise<void> {
    const { random } = this.#options;
    this.#say(how === "at_once" ? "the power is cut" : "the controller is stopped");
    if (how === "in_order") this.#controller.close();
    this.disk.powerCut();
    this.disk.state = "works";
    this.#board.close();
    const wallAt = this.trueWallAt + downMs;
    const quality = random.chance(0.7) ? "trusted" : "unknown";
    const monotonicAt = random.between(0, 2_000_000_000);
    this.#clock = new SimClock({ monotonicAt, wallAt, quality });
    this.#trueOffsetMs = wallAt - monotonicAt;
    this.house.restart();
    this.#say(`power is back, the time is ${quality}`);
    this.#inspector.restarted();
    ({ board: this.#board, controller: this.#controller } = this.#boot());
    const isFire = this.house.fire === "raised" && this.house.wire("fire") === "sound";
    this.truth.restart(isFire);
    await this.#settle();
    this.#expectFound();
    await this.pass(foundToldMs);
  }

  /** What is found at the start is acted on at once, and told where it goes on. */
  #expectFound(): void {
    const { journal } = this.truth;
    const wire = this.house.wire("fire");
    if (wire !== "sound") journal.tell({ kind: "alarm_input_fault", input: "fire", fault: wire });
    if (this.truth.isFire) journal.tell({ kind: "fire", state: "raised" });
    for (const [reader, state] of this.house.tampers) {
      const named = reader === undefined ? {} : { reader };
      if (state === "raised") journal.tell({ kind: "tamper", state, ...named });
    }
  }

  #boot(): { readonly board: PaperBoard; readonly controller: Controlled } {
    const { subject } = this.#options;
    const board = new PaperBoard(this.#clock, wiring, this.house.found());
    // Seen from now on, and by the controller's first step already.
    this.#board = board;
    const record = (event: DoorEvent): void => {
      this.#say(`    journal ${JSON.stringify(event)}`);
      this.eventCounts.set(event.kind, (this.eventCounts.get(event.kind) ?? 0) + 1);
      for (const told of subject.journalled(event)) this.#inspector.hear(told);
    };
    this.#troubles = new Troubles(record);
    const options = {
      board: subject.board(board.board),
      digestPin: digestOf,
      record,
      troubles: this.#troubles,
      premises: subject.premises(this.disk.open(this.#clock)),
    };
    return { board, controller: subject.open(options, this.truth.content) };
  }

  #report(reader: ReaderId, presentation: Presentation): void {
    const at = edgeNs(this.now * 1e6);
    if ("card" in presentation) {
      const raw = presentation.card;
      return this.#board.say(reader, { kind: "card", raw, format: "paper", at });
    }
    this.#board.say(reader, { kind: "pin", digits: presentation.digits, at });
  }

  #checkRelease(door: DoorId, isDue: boolean): void {
    if (isDue && !this.isReleased(door) && !this.isStrikeFailing(door)) {
      throw new BrokenPromise(`granted, but the strike of ${door} stayed secured`);
    }
  }

  /** A bolt that is falling is neither here nor there. */
  async #letBoltsFall(): Promise<void> {
    const isFalling = ({ id }: DoorPlace) => !this.isReleased(id) && !this.#isBoltHome(id);
    if (doorPlaces.some(isFalling)) await this.pass(boltFallMs);
  }

  #isBoltHome(door: DoorId): boolean {
    return this.#board.strike(door).isHome();
  }

  #inputsHost(): InputsHost {
    const board = () => this.#board;
    return {
      house: this.house,
      truth: this.truth,
      get board() {
        return board();
      },
      now: () => this.now,
      pass: (ms) => this.pass(ms),
      calmContact: (door) => this.calmContact(door),
      say: (line) => this.#say(line),
      settle: () => this.#settle(),
    };
  }

  #say(line: string): void {
    const { trace } = this.#options;
    if (trace === undefined) return;
    trace(`${new Date(this.trueWallAt).toISOString()}  ${line}`);
  }
}
