import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AgentCalls } from "./agent-protocol.ts";

interface Owned {
  readonly child: ChildProcess;
  output: string;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

const outputCharactersMax = 4_000_000;

export const nowNs = (): number => Number(process.hrtime.bigint());

/** What runs in the guest because the host asked for it. */
export class GuestProcesses {
  readonly #owned = new Map<number, Owned>();

  async start({
    args,
    env,
    nice,
    until,
  }: AgentCalls["start"]["parameters"]): Promise<AgentCalls["start"]["result"]> {
    const atNs = nowNs();
    // It becomes node, with the same number.
    const child = spawn("nice", ["-n", `${nice}`, process.execPath, ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const owned = this.#own(child);
    const { pid } = child;
    if (pid === undefined) throw new Error("node could not be started");
    if (until === "started") return { pid, atNs, readyAtNs: atNs };
    const ready = once(child, "message").then(() => nowNs());
    const readyAtNs = await Promise.race([ready, owned.ended]);
    if (typeof readyAtNs === "number") return { pid, atNs, readyAtNs };
    throw new Error(
      `ended before it was ready (${readyAtNs.code}):\n${owned.output.slice(-4_000)}`,
    );
  }

  spawn(command: readonly string[]): AgentCalls["spawn"]["result"] {
    const [program = "", ...args] = command;
    const atNs = nowNs();
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#own(child);
    if (child.pid === undefined) throw new Error(`${program} could not be started`);
    return { pid: child.pid, atNs };
  }

  signal({ pid, signal }: AgentCalls["signal"]["parameters"]): AgentCalls["signal"]["result"] {
    const atNs = nowNs();
    process.kill(pid, signal);
    return { atNs };
  }

  exit(pid: number): Promise<AgentCalls["exit"]["result"]> {
    return this.#of(pid).ended;
  }

  output(pid: number): string {
    return this.#of(pid).output;
  }

  #own(child: ChildProcess): Owned {
    const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.on("error", (error) => {
        owned.output += `${error.message}\n`;
        resolve({ code: null, signal: null });
      });
      child.on("close", (code, signal) => resolve({ code, signal }));
    });
    const owned: Owned = { child, output: "", ended };
    const keep = (chunk: Buffer) => {
      owned.output = (owned.output + chunk.toString()).slice(-outputCharactersMax);
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    if (child.pid !== undefined) this.#owned.set(child.pid, owned);
    return owned;
  }

  #of(pid: number): Owned {
    const owned = this.#owned.get(pid);
    if (owned === undefined) throw new Error(`process ${pid} was not started here`);
    return owned;
  }
}

/** Linux counts processor time in ticks of 10 ms. */
const tickMs = 10;

/** Null where there is no such process, or only what is left of one. */
export function usageOf(pid: number): AgentCalls["usage"]["result"] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name may hold anything; what follows its last bracket may not.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const io = readFileSync(`/proc/${pid}/io`, "utf8");
    const rssKiB = /^VmRSS:\s+([0-9]+) kB$/m.exec(status)?.[1];
    if (rssKiB === undefined) return null;
    return {
      rssBytes: Number(rssKiB) * 1024,
      cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
      writtenBytes: Number(/^write_bytes: ([0-9]+)$/m.exec(io)?.[1] ?? 0),
      atNs: nowNs(),
    };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
