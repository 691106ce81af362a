import type { DoorId, ReaderId } from "../../../src/domain/ids.ts";
import { BrokenPromise } from "./broken-promise.ts";
import type { House, Wire } from "./house.ts";
import type { PaperBoard } from "./paper-board.ts";
import { doorPlaces } from "./plan.ts";
import type { Truth } from "./truth.ts";

/** The world that the buttons, switches and wires are in. */
export interface InputsHost {
  readonly house: House;
  readonly truth: Truth;
  readonly board: PaperBoard;
  readonly now: () => number;
  readonly pass: (ms: number) => Promise<void>;
  /** Nobody changes a contact so fast that it looks like a loose wire. */
  readonly calmContact: (door: DoorId) => Promise<void>;
  readonly say: (line: string) => void;
  /** Everybody has heard of it, and it is held against the truth. */
  readonly settle: () => Promise<void>;
}

/** Exit buttons, the fire panel, the tamper switches, and the wires of all inputs. */
export class Inputs {
  readonly #host: InputsHost;

  constructor(host: InputsHost) {
    this.#host = host;
  }

  async pressRex(door: DoorId): Promise<void> {
    const { house, truth, board, say, settle } = this.#host;
    await this.letGoOfRex(door);
    if (!house.hasRex(door)) return;
    say(`exit button of ${door} pressed`);
    house.rex.set(door, "pressed");
    if (house.wire(`rex ${door}`) === "sound") truth.strikes.rexPressed(door);
    board.setRex(door, "pressed");
    const isFailing = board.strike(door).isFailing();
    if (truth.strikes.owesExit(door) && !isFailing && board.strike(door).command !== "released") {
      throw new BrokenPromise(`${door} let nobody out`);
    }
    await settle();
  }

  async letGoOfRex(door: DoorId): Promise<void> {
    const { house, truth, settle, pass } = this.#host;
    if (house.rex.get(door) !== "pressed") return;
    await pass(700);
    truth.strikes.rexLetGo(door);
    house.rex.set(door, "idle");
    this.#host.board.setRex(door, "idle");
    await settle();
  }

  /** `input`: "contact DOOR", "rex DOOR" or "fire". */
  async setWire(input: string, wire: Wire): Promise<void> {
    const { house, calmContact, say, settle } = this.#host;
    if (house.wire(input) === wire) return;
    const door = doorPlaces.find(({ id }) => input === `contact ${id}`)?.id;
    if (door !== undefined) await calmContact(door);
    say(`wire of ${input}: ${wire}`);
    const before = door && house.leafSeen(door);
    house.wires.set(input, wire);
    if (door !== undefined) this.#contactWireChanged(door, before);
    if (input === "fire") this.#fireWireChanged(wire);
    if (input.startsWith("rex ")) this.#rexWireChanged(input, wire);
    this.#host.board.setWire(input, wire);
    await settle();
  }

  async setFire(state: "raised" | "idle"): Promise<void> {
    const { house, truth, board, say, settle } = this.#host;
    if (house.fire === state) return;
    say(`fire ${state}`);
    house.fire = state;
    if (house.wire("fire") === "sound") truth.fire(state === "raised" ? "raised" : "cleared");
    board.setFire(state);
    await settle();
  }

  async setTamper(reader: ReaderId | undefined, state: "raised" | "idle"): Promise<void> {
    const { house, truth, board, say, settle } = this.#host;
    if ((house.tampers.get(reader) ?? "idle") === state) return;
    say(`tamper of ${reader ?? "the enclosure"} ${state}`);
    house.tampers.set(reader, state);
    truth.tamper(reader, state === "raised" ? "raised" : "cleared");
    board.setTamper(reader, state);
    await settle();
  }

  /** Nobody can tell any more who comes in, and who waits for it must not wait for ever. */
  #contactWireChanged(door: DoorId, before: string | undefined): void {
    const { house, truth, now } = this.#host;
    house.contactChanges(door, now());
    const seen = house.leafSeen(door);
    if (seen !== "closed") truth.leafOpened(door);
    if (before === "open" && seen === "unknown") truth.strikes.leafLost(door);
  }

  /** A fault changes nothing of the fire; a mended wire says what is so now. */
  #fireWireChanged(wire: Wire): void {
    const { house, truth } = this.#host;
    const fault = wire === "sound" ? "none" : wire;
    truth.journal.tell({ kind: "alarm_input_fault", input: "fire", fault });
    const isRaised = house.fire === "raised";
    if (wire === "sound" && isRaised !== truth.isFire) truth.fire(isRaised ? "raised" : "cleared");
  }

  #rexWireChanged(input: string, wire: Wire): void {
    const { house, truth } = this.#host;
    const door = doorPlaces.find(({ id }) => input === `rex ${id}`)?.id;
    if (door === undefined || house.rex.get(door) !== "pressed") return;
    if (wire === "sound") truth.strikes.rexPressed(door);
    else truth.strikes.rexLetGo(door);
  }
}
