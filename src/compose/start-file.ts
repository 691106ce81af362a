import { readFileSync } from "node:fs";
import { failureCode } from "../domain/failure-code.ts";
import type { Result } from "../domain/result.ts";
import type { TomlSource } from "../protocols/toml/located-toml.ts";
import { describeTomlFault, type TomlFault } from "../protocols/toml/toml-fault.ts";
import { StartRefused } from "./start-refused.ts";

/** A file that a process cannot start without. Throws `StartRefused` with its name. */
export function readStartFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = failureCode(error);
    throw new StartRefused(`${file}: cannot be read (${code})`);
  }
}

/** As `readStartFile`; throws with every fault that `parse` finds in it. */
export function parseStartFile<T>(
  file: string,
  parse: (source: TomlSource) => Result<T, readonly TomlFault[]>,
): T {
  return orRefuse(parse({ file, text: readStartFile(file) }));
}

export function orRefuse<T>(parsed: Result<T, readonly TomlFault[]>): T {
  if (!parsed.ok) throw new StartRefused(parsed.fault.map(describeTomlFault).join("\n"));
  return parsed.value;
}
