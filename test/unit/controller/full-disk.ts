import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";

/** Why a full disk cannot be played here; false where it can. */
export const noLimits =
  process.platform !== "linux" || spawnSync("prlimit", ["--version"]).error !== undefined
    ? "prlimit is not installed: apt-get install util-linux"
    : false;

/**
 * A writer whose files may not grow beyond `blocks` of 1 KiB. The limit of a file's size stands for a
 * full disk: it can be lifted again without being root.
 */
export function startOnFullDisk(blocks: number, writer: string, ...args: readonly string[]) {
  // The runner's preload would take the limit's signal, which node ignores, for the process's end.
  const script = `unset NODE_OPTIONS; ulimit -S -f ${blocks}; exec "$@"`;
  const command = [process.execPath, "--import", "tsx", writer, ...args];
  return spawn("bash", ["-c", script, "bash", ...command], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

export function linesOf(child: ChildProcess): AsyncIterable<string> {
  if (child.stdout === null) throw new Error("the writer's output is not piped");
  return createInterface({ input: child.stdout });
}
