import { describeTomlFault, type TomlFault } from "../../protocols/toml/toml-fault.ts";
import type { VariableFault } from "./environment.ts";

/** What keeps a process from starting: in a file, or in the environment. */
export type ConfigFault = TomlFault | VariableFault;

/** One line for each, as they are printed before the process ends. */
export function describeConfigFaults(faults: readonly ConfigFault[]): string {
  return faults
    .map((fault) =>
      "variable" in fault
        ? `${fault.variable}: expected ${fault.expected}, found ${fault.found}`
        : describeTomlFault(fault),
    )
    .join("\n");
}
