import { execFile } from "node:child_process";
import { promisify } from "node:util";

const start = promisify(execFile);

/**
 * Runs a script of this folder in a process of its own, whose memory and compiled code nothing else
 * has touched, and gives back the JSON that it printed. `Printed` is what the script says it prints.
 */
export async function printedBy<Printed>(
  script: URL,
  words: readonly (string | number)[],
): Promise<Printed> {
  const { stdout } = await start(process.execPath, [
    "--import=tsx",
    "--expose-gc",
    "--max-old-space-size=6000",
    script.pathname,
    ...words.map(String),
  ]);
  const printed: Printed = JSON.parse(stdout);
  return printed;
}
