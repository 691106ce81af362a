import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { HalError } from "../../../src/domain/hal-error.ts";
import { type NativeGpio, refusalKind, refused } from "./native-gpio.ts";

export interface GpioChip {
  /** As `/dev/gpiochip0`. */
  readonly path: string;
  /** As `gpiochip0`; more than one where a link gives an old number to the same chip. */
  readonly names: readonly string[];
  readonly label: string;
  readonly lineCount: number;
}

export interface FoundLine {
  readonly chip: GpioChip;
  readonly offset: number;
}

const chipFile = /^gpiochip(\d+)$/;
const digits = /^\d{1,5}$/;

/**
 * The line that `reference` means: `GPIO17`, the line's own name, unique over all chips; or
 * `LABEL:17`, `LABEL:GPIO17`, where LABEL is a chip's label or `gpiochip0`. Labels, because the numbers
 * of chips change with the kernel's version and with what is plugged in.
 *
 * Looks at the chips anew each time: they may come and go, and lines are opened seldom. Throws
 * `HalError` `not_found`, saying what there is, also where the reference could mean two lines;
 * `not_permitted` where no chip may be opened.
 */
export function findLine(native: NativeGpio, deviceFolder: string, reference: string): FoundLine {
  const chips = findChips(native, deviceFolder);
  const colon = reference.lastIndexOf(":");
  if (colon < 0) return onlyLine(reference, namedLines(native, chips, reference), chips);
  const label = reference.slice(0, colon);
  const place = reference.slice(colon + 1);
  const chip = onlyChip(reference, label, chips);
  if (!digits.test(place)) return onlyLine(reference, namedLines(native, [chip], place), [chip]);
  const offset = Number(place);
  if (offset < chip.lineCount) return { chip, offset };
  throw new HalError(
    "not_found",
    `line "${reference}": ${describeChip(chip)} has lines 0 to ${chip.lineCount - 1}`,
  );
}

/** By number. Of two files for one device, as Raspberry Pi OS makes on a Pi 5, the first is the chip's. */
function findChips(native: NativeGpio, deviceFolder: string): readonly GpioChip[] {
  const chips = new Map<number, GpioChip & { readonly names: string[] }>();
  let refusal: HalError | undefined;
  for (const name of chipFiles(deviceFolder)) {
    const path = join(deviceFolder, name);
    const device = statSync(path, { throwIfNoEntry: false });
    // Gone since it was listed.
    if (device === undefined) continue;
    const known = device.isCharacterDevice() ? chips.get(device.rdev) : undefined;
    if (known !== undefined) {
      known.names.push(name);
      continue;
    }
    const chip = native.chip(path);
    if (typeof chip === "number") {
      const hint = refusalKind(chip) === "not_permitted" ? ": is the user in group gpio?" : "";
      refusal = new HalError(refusalKind(chip), `${refused(path, chip).message}${hint}`);
      continue;
    }
    const { label, lineCount } = chip;
    chips.set(device.isCharacterDevice() ? device.rdev : -chips.size - 1, {
      path,
      names: [name],
      label,
      lineCount,
    });
  }
  if (chips.size > 0) return [...chips.values()];
  throw (
    refusal ??
    new HalError("not_found", `no GPIO chip (${join(deviceFolder, "gpiochip*")}): is this a board?`)
  );
}

function chipFiles(deviceFolder: string): readonly string[] {
  let entries: readonly string[];
  try {
    entries = readdirSync(deviceFolder);
  } catch (cause) {
    throw new HalError("not_found", `${deviceFolder} cannot be read`, { cause });
  }
  const number = (name: string) => Number(chipFile.exec(name)?.[1]);
  return entries
    .filter((name) => chipFile.test(name))
    .toSorted((one, other) => number(one) - number(other));
}

function namedLines(
  native: NativeGpio,
  chips: readonly GpioChip[],
  name: string,
): readonly FoundLine[] {
  const found: FoundLine[] = [];
  // Many lines have no name: that makes none of them the one that is meant.
  if (name === "") return found;
  for (const chip of chips) {
    for (let offset = 0; offset < chip.lineCount; offset += 1) {
      const line = native.line(chip.path, offset);
      if (typeof line === "number") throw refused(describeChip(chip), line);
      if (line.name === name) found.push({ chip, offset });
    }
  }
  return found;
}

function onlyLine(
  reference: string,
  found: readonly FoundLine[],
  chips: readonly GpioChip[],
): FoundLine {
  const [line, ...others] = found;
  if (line !== undefined && others.length === 0) return line;
  const places = found.map(({ chip, offset }) => `${describeChip(chip)} line ${offset}`);
  throw new HalError(
    "not_found",
    line === undefined
      ? `there is no line "${reference}" on ${describeChips(chips)}`
      : `line "${reference}" is more than one, ${places.join(" and ")}: say which, as LABEL:OFFSET`,
  );
}

function onlyChip(reference: string, label: string, chips: readonly GpioChip[]): GpioChip {
  const byName = chips.filter(({ names }) => names.includes(label));
  const [chip, ...others] =
    byName.length > 0
      ? byName
      : chips.filter((candidate) => label !== "" && candidate.label === label);
  if (chip !== undefined && others.length === 0) return chip;
  throw new HalError(
    "not_found",
    chip === undefined
      ? `line "${reference}": no chip is labelled "${label}"; there are ${describeChips(chips)}`
      : `line "${reference}": more than one chip is labelled "${label}", ` +
          `${describeChips([chip, ...others])}: say which, as gpiochip0:OFFSET`,
  );
}

export function describeChip({ names, label }: GpioChip): string {
  return label === "" ? `${names[0]}` : `${names[0]} (${label})`;
}

function describeChips(chips: readonly GpioChip[]): string {
  return chips.map(describeChip).join(", ");
}
