import { execFile } from "node:child_process";
import type { Finished } from "./rig-target.ts";

const outputBytesMax = 256 * 1024 * 1024;

/** Runs a program of this machine to its end, whatever that is. */
export function hostFinished(
  command: readonly string[],
  options: { readonly secondsMax: number; readonly env?: Readonly<Record<string, string>> },
): Promise<Finished> {
  const { secondsMax, env = {} } = options;
  const [program = "", ...args] = command;
  const limits = { timeout: secondsMax * 1_000, maxBuffer: outputBytesMax };
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { ...limits, killSignal: "SIGKILL", env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        // A number is the exit code; a word is that of an error, such as ENOENT.
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
        const why = error === null || typeof error.code === "number" ? "" : `${error.message}\n`;
        resolve({ code, stdout, stderr: stderr + why });
      },
    );
  });
}
