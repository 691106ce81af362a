import { readFileSync } from "node:fs";
import type { BoardProfile, ContactWiring } from "../../../hal/board-profile.ts";
import type { Level } from "../../../hal/gpio.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimGpio } from "../../../hal/sim/sim-gpio.ts";
import { SimI2c } from "../../../hal/sim/sim-i2c.ts";
import { SimMcp23017 } from "../../../hal/sim/sim-mcp23017.ts";
import {
  type BoardProfileFile,
  parseBoardProfile,
} from "../../../src/compose/config/board-profile-file.ts";
import { openWiredBoard, type WiredBoard } from "../../../src/compose/wired-board.ts";
import { describeTomlFault } from "../../../src/protocols/toml/toml-fault.ts";

/** What a Raspberry Pi's header has, by the names that its kernels give. */
export const headerLines = Array.from({ length: 28 }, (_, line) => `GPIO${line}`);

export function readProfile(file: string): BoardProfileFile {
  return parsedProfile(readFileSync(file, "utf8"), file);
}

export function parsedProfile(text: string, file = "board.toml"): BoardProfileFile {
  const parsed = parseBoardProfile({ file, text });
  if (!parsed.ok) throw new Error(parsed.fault.map(describeTomlFault).join("\n"));
  return parsed.value;
}

/** The world around the lines of a Pi and of the expanders that a profile has. */
export class BoardWorld {
  readonly clock = new SimClock();
  readonly gpio = new SimGpio({ clock: this.clock, lines: headerLines });
  readonly i2c = new SimI2c();
  readonly profile: BoardProfile;
  readonly #file: BoardProfileFile;
  readonly #chips = new Map<string, SimMcp23017>();

  constructor(file: BoardProfileFile) {
    this.#file = file;
    this.profile = file.profile;
    for (const { id, bus, address, interruptLine } of this.profile.expanders) {
      const chip = new SimMcp23017();
      this.i2c.add({ bus, address }, chip);
      this.#chips.set(id, chip);
      if (interruptLine === undefined) continue;
      chip.watchInterrupt((level) => this.gpio.pull(interruptLine, level === 0 ? 0 : "let_go"));
    }
    for (const wiring of this.contacts().values()) this.move(wiring, "rest");
  }

  /** Throws as `openWiredBoard`. */
  open(): WiredBoard {
    const { gpio, i2c, clock } = this;
    return openWiredBoard({ ...this.#file, gpio, i2c: () => i2c, clock });
  }

  /** By what the profile calls it. */
  contacts(): ReadonlyMap<string, ContactWiring> {
    const { doors, readers, fire, tamper } = this.profile;
    const all: (readonly [string, ContactWiring | undefined])[] = [
      ...doors.flatMap(({ id, position, rex }) => [
        [`doors.${id}.position`, position] as const,
        [`doors.${id}.rex`, rex] as const,
      ]),
      ...readers.map((reader) => [`readers.${reader.id}.tamper`, reader.tamper] as const),
      ["fire", fire],
      ["tamper", tamper],
    ];
    return new Map(all.flatMap(([name, wiring]) => (wiring ? [[name, wiring] as const] : [])));
  }

  /** A dry contact to ground. */
  move({ line, contact }: ContactWiring, to: "rest" | "active"): void {
    const isClosed = (contact === "normally_closed") === (to === "rest");
    this.pull(line, isClosed ? 0 : undefined);
  }

  pull(line: string, level: Level | undefined): void {
    const pin = this.#pinOf(line);
    if (pin === undefined) this.gpio.pull(line, level ?? "let_go");
    else pin.chip.pull(pin.pin, level);
  }

  /** What an output is driven to; undefined where it drives nothing. */
  drivenLevel(line: string): Level | undefined {
    const pin = this.#pinOf(line);
    return pin === undefined ? this.gpio.levelOf(line) : pin.chip.drivenLevel(pin.pin);
  }

  /** A key between two lines of one expander. */
  press(row: string, column: string, state: "joined" | "apart"): void {
    const [one, other] = [this.#pinOf(row), this.#pinOf(column)];
    if (one === undefined || other?.chip !== one.chip) throw new Error("not of one expander");
    one.chip.join(one.pin, other.pin, state);
  }

  setExpander(id: string, connection: "connected" | "disconnected"): void {
    const wiring = this.profile.expanders.find((expander) => expander.id === id);
    if (wiring === undefined) throw new Error(`no expander ${id}`);
    this.i2c.setConnection(wiring, connection);
  }

  /** Its power fails and returns. */
  losePower(id: string): void {
    this.#chips.get(id)?.losePower();
  }

  #pinOf(line: string): { readonly chip: SimMcp23017; readonly pin: number } | undefined {
    const [id = "", name] = line.split(":");
    const chip = this.#chips.get(id);
    if (chip === undefined || name === undefined) return undefined;
    return { chip, pin: Number(name.slice(1)) + (name.startsWith("B") ? 8 : 0) };
  }
}
