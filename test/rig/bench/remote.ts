import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { hostFinished } from "../host-finished.ts";
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

  /** Undefined where there is no such process. Linux counts processor time in ticks of 10 ms. */
  async usage(pid: number): Promise<Omit<ProcessUsage, "at"> | undefined> {
    const { code, stdout } = await this.run([
      "sh",
      "-c",
      `cat /proc/${pid}/stat && grep VmRSS /proc/${pid}/status && grep ^write_bytes /proc/${pid}/io`,
    ]);
    if (code !== 0) return undefined;
    const fields = stdout.slice(stdout.lastIndexOf(")") + 2).split(" ");
    return {
      rssBytes: 1_024 * Number(/VmRSS:\s+([0-9]+) kB/.exec(stdout)?.[1]),
      cpuMs: 10 * (Number(fields[11]) + Number(fields[12])),
      writtenBytes: Number(/^write_bytes: ([0-9]+)/m.exec(stdout)?.[1] ?? 0),
    };
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
