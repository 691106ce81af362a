import { HalError } from "../../src/domain/hal-error.ts";
import type { Level, OutputLine, OutputRequest } from "../gpio.ts";
import type { ChipSettings } from "./mcp23017-settings.ts";

/** What an output asks of its chip. */
export interface OutputChip {
  settings(): ChipSettings;
  /** Now, or when the chip comes. */
  prepare(wanted: Partial<ChipSettings>): void;
  /** Now. Throws `HalError`; the settings are then as before. */
  drive(wanted: Partial<ChipSettings>): void;
  /** When the chip comes. */
  keep(wanted: Partial<ChipSettings>): void;
  free(): void;
}

/** One line of an expander that we drive. */
export class ExpanderOutput implements OutputLine {
  readonly line: string;
  readonly #mask: number;
  readonly #initial: Level;
  readonly #drive: NonNullable<OutputRequest["drive"]>;
  readonly #chip: OutputChip;
  #level: Level;
  #closed = false;

  constructor(
    {
      line,
      bit,
      initial,
      drive,
    }: {
      readonly line: string;
      readonly bit: number;
      readonly initial: Level;
      readonly drive: NonNullable<OutputRequest["drive"]>;
    },
    { direction, latch, pullUp }: ChipSettings,
    chip: OutputChip,
  ) {
    this.line = line;
    this.#mask = 1 << bit;
    this.#initial = initial;
    this.#drive = drive;
    this.#chip = chip;
    this.#level = initial;
    const mask = this.#mask;
    chip.prepare(
      drive === "open_drain"
        ? { latch: latch & ~mask, pullUp: pullUp | mask, ...this.#settingsFor(initial, direction) }
        : { direction: direction & ~mask, ...this.#settingsFor(initial, latch) },
    );
  }

  drive(level: Level): void {
    if (this.#closed) throw new HalError("disconnected", `line ${this.line} was closed`);
    this.#driveTo(level);
  }

  driven(): Level {
    return this.#level;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#driveTo(this.#initial);
    } finally {
      this.#chip.free();
    }
  }

  #driveTo(level: Level): void {
    const { direction, latch } = this.#chip.settings();
    const wanted = this.#settingsFor(level, this.#drive === "open_drain" ? direction : latch);
    try {
      this.#chip.drive(wanted);
      this.#level = level;
    } catch (error) {
      // A chip that comes back must not release a strike that was to be secured meanwhile.
      if (level === this.#initial) {
        this.#chip.keep(wanted);
        this.#level = level;
      }
      throw error;
    }
  }

  /** `word` is that part of the settings which carries the level. */
  #settingsFor(level: Level, word: number): Partial<ChipSettings> {
    const changed = level === 1 ? word | this.#mask : word & ~this.#mask;
    return this.#drive === "open_drain" ? { direction: changed } : { latch: changed };
  }
}
