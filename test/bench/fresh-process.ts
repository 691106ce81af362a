import { execFile } from "node:child_process";
import { promisify } from "node:util";

const start = promisify(execFile);

/**
 * The words that have node run a script of this folder from source. `--import=tsx` would be handed on
 * to every thread that the program starts, each of which would then load a compiler first.
 */
export function wordsToRun(script: URL, words: readonly (string | number)[]): readonly string[] {
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const module = JSON.stringify(script.href);
  const bootstrap = `import(${loader}).then((tsx) => { tsx.register(); return import(${module}); })`;
  return [
    "--expose-gc",
    "--max-old-space-size=6000",
    "--eval",
    bootstrap,
    "--",
    script.pathname,
    ...words.map(String),
  ];
}

/**
 * Runs a script in a process of its own, whose memory and compiled code nothing else has touched, and
 * gives back the JSON that it printed. `Printed` is what the script says it prints.
 */
export async function printedBy<Printed>(
  script: URL,
  words: readonly (string | number)[],
): Promise<Printed> {
  const { stdout } = await start(process.execPath, [...wordsToRun(script, words)]);
  const printed: Printed = JSON.parse(stdout);
  return printed;
}
