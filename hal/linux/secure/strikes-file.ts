import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { unreachable } from "../../../src/domain/unreachable.ts";
import type { SecuredOutput } from "../../output-address.ts";

/** Under systemd the unit's runtime folder, which ends with the service; else the state folder. */
export function strikesFile(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stateDir: string;
}): string {
  const { env, stateDir } = options;
  // systemd.exec(5): several folders would be separated by colons; the unit names one.
  const [runtimeFolder = ""] = (env["RUNTIME_DIRECTORY"] ?? "").split(":");
  return join(runtimeFolder === "" ? stateDir : runtimeFolder, "strikes");
}

/**
 * Writes for `postern-secure` where each strike's output is and which level secures it; the format
 * stands in `secure.c`. To be called before the first strike is released. It is there whole or not at
 * all, but not synced: it has to outlive this process, not the machine. Throws the file system's error;
 * what was there before is then still there.
 */
export function writeStrikesFile(file: string, outputs: readonly SecuredOutput[]): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const unfinished = `${file}.new`;
  try {
    writeFileSync(unfinished, serialiseStrikes(outputs), { mode: 0o600 });
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** Pure. Throws for a field with a space in it: it would be read as another output. */
export function serialiseStrikes(outputs: readonly SecuredOutput[]): string {
  const lines = outputs.flatMap((output) => linesOf(output).map(joinFields));
  return ["# What postern-secure drives when the daemon is dead.", ...lines, ""].join("\n");
}

type Field = string | number;

function linesOf({ line, address, securedLevel }: SecuredOutput): readonly (readonly Field[])[] {
  switch (address.kind) {
    case "gpio":
      return [["gpio", address.device, address.offset, securedLevel, line]];
    case "sysfs":
      return [["sysfs", address.folder, securedLevel, line]];
    case "i2c": {
      const { device, bit, outputs } = address;
      const chip = ["i2c", device, hexadecimal(address.address)];
      const mask = hexadecimal(1 << bit);
      const level = hexadecimal(securedLevel << bit);
      // The level first: a chip that was reset has all its bits as inputs, and zeros behind them.
      return [
        [...chip, hexadecimal(outputs.register), mask, level, line],
        [...chip, hexadecimal(outputs.directionRegister), mask, hexadecimal(0), line],
      ];
    }
    default:
      return unreachable(address);
  }
}

function hexadecimal(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}

function joinFields(fields: readonly Field[]): string {
  for (const field of fields) {
    if (/\s/.test(String(field)) || field === "") {
      throw new Error(`an output's address has a space in it: ${JSON.stringify(field)}`);
    }
  }
  return fields.join(" ");
}
