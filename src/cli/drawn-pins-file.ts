import { closeSync, fsyncSync, openSync, writeFileSync } from "node:fs";
import { failureCode } from "../domain/failure-code.ts";
import { csvLine } from "./csv-line.ts";
import { CommandFailed } from "./terminal.ts";

/** Where drawn PINs are told, which nobody has afterwards. */
export interface DrawnPins {
  /** They are on disk when it returns. */
  add(codes: readonly { readonly user: string; readonly code: string }[]): void;
  close(): void;
}

/** A new file for its owner alone. Throws `CommandFailed`. */
export function openDrawnPins(file: string): DrawnPins {
  const descriptor = open(file);
  writeFileSync(descriptor, csvLine(["user", "pin"]));
  return {
    add: (codes) => {
      writeFileSync(descriptor, codes.map(({ user, code }) => csvLine([user, code])).join(""));
      fsyncSync(descriptor);
    },
    close: () => closeSync(descriptor),
  };
}

function open(file: string): number {
  try {
    return openSync(file, "wx", 0o600);
  } catch (error) {
    const code = failureCode(error);
    const why = code === "EEXIST" ? "is there already; name another" : `cannot be made: ${code}`;
    throw new CommandFailed(1, `--pins: ${file}: ${why}; nothing was changed`);
  }
}
