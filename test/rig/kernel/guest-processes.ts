import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { processUsage } from "../process-usage.ts";
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

/** Null where there is no such process, or only what is left of one. */
export function usageOf(pid: number): AgentCalls["usage"]["result"] {
  const children = unlessGone(() =>
    readdirSync(`/proc/${pid}/task`).map((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8"),
    ),
  );
  const all = [`${pid}`, ...children.split(" ").filter(Boolean)];
  const files = ["stat", "status", "io"];
  const texts = all.map((one) =>
    unlessGone(() => files.map((file) => readFileSync(`/proc/${one}/${file}`, "utf8"))),
  );
  const usage = processUsage(texts);
  return usage === undefined ? null : { ...usage, atNs: nowNs() };
}

/** Nothing where it was of a process or a thread that has ended. */
function unlessGone(read: () => readonly string[]): string {
  try {
    return read().join("");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}
