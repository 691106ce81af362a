import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { hostFinished } from "../host-finished.ts";
import { processUsage } from "../process-usage.ts";
import type { Finished, ProcessUsage, Stoppable } from "../rig-target.ts";

const secondsMax = 120;

export interface RemoteProcess extends Stoppable {
  readonly pid: number;
}

/** Commands on the machine under test, as root. */
export class Remote {
  readonly #ssh: readonly string[];

  constructor(ssh: readonly string[]) {
    this.#ssh = ssh;
  }

  run(
    command: readonly string[],
    options: { readonly secondsMax?: number } = {},
  ): Promise<Finished> {
    // What ssh gets as words, the shell over there gets as one text.
    const text = command.map(quoted).join(" ");
    return hostFinished([...this.#ssh, text], { secondsMax, ...options });
  }

  /** Standard output; throws where it fails. */
  async shell(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(["sh", "-c", script]);
    if (code === 0) return stdout;
    throw new Error(`${script}: ${code}\n${stderr}`);
  }

  /** In the background, until it is stopped. */
  async start(script: string): Promise<RemoteProcess> {
    const [ssh = "", ...args] = this.#ssh;
    const command = `sh -c ${quoted(`echo $$; exec ${script}`)}`;
    const child = spawn(ssh, [...args, command], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const pid = Number(line);
    return {
      pid,
      stop: async () => {
        const over = once(child, "close");
        await this.shell(`kill ${pid} || true`);
        await over;
      },
    };
  }

  /** Undefined where there is no such process. */
  async usage(pid: number): Promise<Omit<ProcessUsage, "at"> | undefined> {
    const script = `for p in ${pid} $(cat /proc/${pid}/task/*/children); do
      cat /proc/$p/stat /proc/$p/status /proc/$p/io; echo; done`;
    const { stdout } = await this.run(["sh", "-c", script]);
    return processUsage(stdout.split("\n\n"));
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
