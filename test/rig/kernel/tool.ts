import { spawn } from "node:child_process";

export interface ToolOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const linesShownMax = 20;

/** Runs a program of the host to its end; what it wrote on standard output. Throws with its last words. */
export async function tool(
  command: string,
  args: readonly string[],
  { cwd, env = {} }: ToolOptions = {},
): Promise<string> {
  const child = spawn(command, [...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let all = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    all += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    all += chunk.toString();
  });
  const code = await new Promise<number | string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (status, signal) => resolve(status ?? signal ?? "gone"));
  });
  if (code === 0) return stdout;
  const words = all.trimEnd().split("\n").slice(-linesShownMax).join("\n");
  throw new Error(`${command} ${args.slice(0, 3).join(" ")}: ${code}\n${words}`);
}
