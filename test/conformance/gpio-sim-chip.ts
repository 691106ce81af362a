import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Level } from "../../hal/gpio.ts";

const configfs = "/sys/kernel/config/gpio-sim";

export interface GpioSimChip {
  /** As `/dev/gpiochip0`. */
  readonly path: string;
  /** The world pulls a line. On the kernel's side a bias is a pull too: whoever comes last has it. */
  pull(line: string, level: Level): void;
  /** What a meter on the terminal shows. */
  level(line: string): Level;
  /** Unplugs it. Twice does nothing. */
  remove(): void;
}

/** Is this a kernel with the module gpio-sim, and are we root on it? */
export function hasGpioSim(): boolean {
  try {
    readdirSync(configfs);
    return true;
  } catch {
    return false;
  }
}

/** A chip of the kernel's own simulator (Documentation/admin-guide/gpio/gpio-sim.rst). */
export function makeGpioSimChip(chip: {
  readonly label: string;
  /** By offset; a line with an empty name has none. */
  readonly lines: readonly string[];
}): GpioSimChip {
  const device = join(configfs, chip.label);
  const bank = join(device, "bank0");
  const lineFolder = (offset: number) => join(bank, `line${offset}`);
  mkdirSync(device);
  mkdirSync(bank);
  writeFileSync(join(bank, "num_lines"), `${chip.lines.length}`);
  writeFileSync(join(bank, "label"), chip.label);
  for (const [offset, name] of chip.lines.entries()) {
    mkdirSync(lineFolder(offset));
    if (name !== "") writeFileSync(join(lineFolder(offset), "name"), name);
  }
  writeFileSync(join(device, "live"), "1");
  const read = (file: string) => readFileSync(file, "utf8").trim();
  const chipName = read(join(bank, "chip_name"));
  const attributes = join("/sys/devices/platform", read(join(device, "dev_name")), chipName);
  const attribute = (line: string, name: string) =>
    join(attributes, `sim_gpio${chip.lines.indexOf(line)}`, name);
  let isLive = true;
  return {
    path: `/dev/${chipName}`,
    pull: (line, level) =>
      writeFileSync(attribute(line, "pull"), level === 1 ? "pull-up" : "pull-down"),
    level: (line) => (read(attribute(line, "value")) === "1" ? 1 : 0),
    remove: () => {
      if (!isLive) return;
      isLive = false;
      writeFileSync(join(device, "live"), "0");
      for (const offset of chip.lines.keys()) rmdirSync(lineFolder(offset));
      rmdirSync(bank);
      rmdirSync(device);
    },
  };
}
