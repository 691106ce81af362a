import { failureCode } from "../domain/failure-code.ts";

/** Why a process does not start, in words for the person who started it. Printed without a stack. */
export class StartRefused extends Error {
  override readonly name = "StartRefused";
}

/** What `listen` failed with, in terms of the variable that chose the port. */
export function portRefusal(options: {
  readonly variable: string;
  readonly port: number;
  readonly error: unknown;
}): StartRefused {
  const { variable, port, error } = options;
  const code = failureCode(error);
  if (code === "EADDRINUSE") {
    return new StartRefused(
      `port ${port} is taken by another process: set ${variable} to a free port`,
    );
  }
  if (code === "EACCES") {
    return new StartRefused(`port ${port} is not ours to open: set ${variable} to 1024 or higher`);
  }
  return new StartRefused(`port ${port} (${variable}) cannot be opened: ${code}`);
}
