import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HalError } from "../../../src/domain/hal-error.ts";

interface SysfsChip {
  /** As `gpiochip512`: by its first line, and not the name that its character device has. */
  readonly name: string;
  readonly label: string;
  readonly base: number;
  readonly lineCount: number;
  /** By offset, where a device tree names them; else none. */
  readonly lineNames: readonly string[];
}

const digits = /^\d{1,5}$/;

/**
 * The number that sysfs gives to a line: the base of its chip, which changed from kernel to kernel (0 on
 * Pis once, 512 since 6.6), and its offset. References are those of `findLine`; but a line's own name is
 * known here only where the device tree gives it, as a Pi's does.
 *
 * Throws `HalError` `not_found`, saying what there is, also where the reference could mean two lines.
 */
export function findSysfsLine(classFolder: string, reference: string): number {
  const chips = findChips(classFolder);
  const colon = reference.lastIndexOf(":");
  const place = reference.slice(colon + 1);
  const label = colon < 0 ? undefined : reference.slice(0, colon);
  const meant = chips.filter(
    (chip) => label === undefined || (label !== "" && [chip.label, chip.name].includes(label)),
  );
  if (meant.length === 0) {
    throw new HalError(
      "not_found",
      `line "${reference}": no chip is labelled "${label}"; there are ${describeChips(chips)}`,
    );
  }
  const numbers = meant.flatMap(({ base, lineCount, lineNames }) => {
    if (label !== undefined && digits.test(place)) {
      return Number(place) < lineCount ? [base + Number(place)] : [];
    }
    return lineNames.flatMap((name, offset) =>
      name === place && name !== "" ? [base + offset] : [],
    );
  });
  const [number, ...others] = numbers;
  if (number !== undefined && others.length === 0) return number;
  throw new HalError(
    "not_found",
    number === undefined
      ? `no line "${reference}" on ${describeChips(meant)}; sysfs knows the names of lines only from ` +
          "a device tree: say LABEL:OFFSET"
      : `line "${reference}" is more than one (${numbers.join(", ")}): say which, as LABEL:OFFSET`,
  );
}

function findChips(classFolder: string): readonly SysfsChip[] {
  let entries: readonly string[];
  try {
    entries = readdirSync(classFolder);
  } catch (cause) {
    throw new HalError(
      "not_found",
      `${classFolder} is not there: this kernel has no GPIO in sysfs; the driver ` +
        '"character_device" needs none',
      { cause },
    );
  }
  const chips = entries
    .filter((name) => name.startsWith("gpiochip"))
    .flatMap((name) => readChip(join(classFolder, name), name));
  if (chips.length > 0) return chips;
  throw new HalError("not_found", `no GPIO chip in ${classFolder}: is this a board?`);
}

/** None where it went away while it was read. */
function readChip(folder: string, name: string): readonly SysfsChip[] {
  try {
    const read = (file: string) => readFileSync(join(folder, file), "utf8").trim();
    const [base, lineCount] = [Number(read("base")), Number(read("ngpio"))];
    if (!Number.isInteger(base) || !Number.isInteger(lineCount)) return [];
    return [{ name, label: read("label"), base, lineCount, lineNames: readLineNames(folder) }];
  } catch {
    return [];
  }
}

/** A device tree's list of strings: each ends in a NUL. */
function readLineNames(folder: string): readonly string[] {
  try {
    return readFileSync(join(folder, "device/of_node/gpio-line-names"), "utf8").split("\0");
  } catch {
    return [];
  }
}

function describeChips(chips: readonly SysfsChip[]): string {
  return chips.map(({ name, label }) => `${name} (${label})`).join(", ");
}
