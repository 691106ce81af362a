import { spawnSync } from "node:child_process";

/** What somebody at the keyboard has to see to; said without a stack trace. */
export class PackageError extends Error {
  override name = "PackageError";
}

const linesMax = 40;

/**
 * Runs a program to its end and returns its standard output. Throws `PackageError` with the program's last
 * words where it fails, and with the Debian package that has it where it is missing.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    /** The Debian package that has the program. */
    readonly from?: string;
  } = {},
): string {
  const { cwd, env, from } = options;
  const { status, stdout, stderr, error, signal } = spawnSync(command, [...args], {
    ...(cwd !== undefined && { cwd }),
    env: env ?? process.env,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (error !== undefined) {
    const hint = from === undefined ? "" : `; on Debian: apt-get install ${from}`;
    throw new PackageError(`${command}: ${error.message}${hint}`);
  }
  if (status !== 0) {
    const said = `${stdout}${stderr}`.trimEnd().split("\n").slice(-linesMax).join("\n");
    throw new PackageError(
      `${said}\n${command} ${args[0] ?? ""}: ended with ${status ?? signal ?? "?"}`,
    );
  }
  return stdout;
}
