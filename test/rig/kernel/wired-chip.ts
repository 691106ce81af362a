import { createReadStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Level } from "../../../hal/gpio.ts";
import type { LineChange } from "./agent-protocol.ts";

const configfs = "/sys/kernel/config/gpio-sim/rig";
const trace = "/sys/kernel/tracing/instances/rig";

/** Far more than any scenario makes; beyond it the oldest are forgotten. */
const changesMax = 200_000;

/** `postern-123 [000] ..... 12.345678: gpio_value: 513 set 1` */
const setPattern = /\s([0-9]+)\.([0-9]{6}): gpio_value: ([0-9]+) set ([01])$/;

/**
 * A gpio-sim chip with named lines, and every change of what is driven on them, as the kernel's own
 * tracepoint stamps it: from within the call that sets the line, whoever makes it.
 */
export class WiredChip {
  readonly #folder: string;
  readonly #base: number;
  readonly #lines: readonly string[];
  readonly #levels = new Map<string, Level>();
  readonly #changes: LineChange[] = [];
  readonly #listeners = new Set<(change: LineChange) => void>();

  /** `levels`: what the world puts on a line from the beginning. */
  constructor(options: {
    readonly label: string;
    readonly lines: readonly string[];
    readonly levels: Readonly<Record<string, Level>>;
  }) {
    this.#lines = options.lines;
    const bank = join(configfs, "bank0");
    mkdirSync(bank, { recursive: true });
    writeFileSync(join(bank, "num_lines"), `${options.lines.length}`);
    writeFileSync(join(bank, "label"), options.label);
    for (const [offset, name] of options.lines.entries()) {
      mkdirSync(join(bank, `line${offset}`));
      writeFileSync(join(bank, `line${offset}`, "name"), name);
    }
    writeFileSync(join(configfs, "live"), "1");
    const chip = text(join(bank, "chip_name"));
    this.#folder = join("/sys/devices/platform", text(join(configfs, "dev_name")), chip);
    this.#base = baseOf(options.label);
    for (const [line, level] of Object.entries(options.levels)) {
      writeFileSync(this.pullFile(line), level === 1 ? "pull-up" : "pull-down");
    }
    this.#watch();
  }

  pullFile(line: string): string {
    return join(this.#folder, `sim_gpio${this.#offset(line)}`, "pull");
  }

  level(line: string): Level {
    const value = text(join(this.#folder, `sim_gpio${this.#offset(line)}`, "value"));
    return value === "1" ? 1 : 0;
  }

  changes(sinceNs: number): readonly LineChange[] {
    return this.#changes.filter(({ atNs }) => atNs >= sinceNs);
  }

  listen(listener: (change: LineChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #watch(): void {
    mkdirSync(trace, { recursive: true });
    writeFileSync(join(trace, "trace_clock"), "mono");
    writeFileSync(join(trace, "events/gpio/gpio_value/filter"), "get==0");
    writeFileSync(join(trace, "events/gpio/gpio_value/enable"), "1");
    const pipe = createReadStream(join(trace, "trace_pipe"));
    createInterface({ input: pipe }).on("line", (line) => this.#take(line));
  }

  #take(text: string): void {
    const [, seconds, micros, number, value] = setPattern.exec(text) ?? [];
    const line = this.#lines[Number(number) - this.#base];
    if (line === undefined) return;
    const level = value === "1" ? 1 : 0;
    if (this.#levels.get(line) === level) return;
    this.#levels.set(line, level);
    const change = { line, level, atNs: Number(seconds) * 1e9 + Number(micros) * 1e3 } as const;
    if (this.#changes.length === changesMax) this.#changes.shift();
    this.#changes.push(change);
    for (const listener of [...this.#listeners]) listener(change);
  }

  #offset(line: string): number {
    const offset = this.#lines.indexOf(line);
    if (offset < 0) throw new Error(`the board has no line "${line}"`);
    return offset;
  }
}

/** The number of a chip's first line, by which tracepoints name its lines. */
function baseOf(label: string): number {
  const classFolder = "/sys/class/gpio";
  const chip = readdirSync(classFolder).find(
    (name) => name.startsWith("gpiochip") && text(join(classFolder, name, "label")) === label,
  );
  if (chip === undefined) throw new Error(`no chip with the label "${label}"`);
  return Number(text(join(classFolder, chip, "base")));
}

const text = (file: string): string => readFileSync(file, "utf8").trim();
