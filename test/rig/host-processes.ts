import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type EdgeNs, edgeNs } from "../../src/domain/time.ts";
import type { Stoppable } from "./rig-target.ts";

export const nowNs = (): EdgeNs => edgeNs(Number(process.hrtime.bigint()));

/** A part of the product in a process of this machine, as `postern up` would start it. */
export interface HostPart {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly spawnedAt: EdgeNs;
  readonly readyAt: EdgeNs;
  /** What it said with its readiness. */
  readonly said: Readonly<Record<string, string>>;
  output(): string;
  /** The exit code, once it and its output are at their end. */
  readonly ended: Promise<number | null>;
}

/** Resolves when it serves; rejects with its output where it ends instead. */
export async function startPart(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<HostPart> {
  const spawnedAt = nowNs();
  const child = spawn(process.execPath, [...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  const keep = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const ended = once(child, "close").then(([code]) => code as number | null);
  const ready = once(child, "message").then(([message]) => message as HostPart["said"]);
  // Whichever comes second has nobody waiting for it.
  ready.catch(() => undefined);
  ended.catch(() => undefined);
  const first = await Promise.race([
    ready.then((message) => ({ message, readyAt: nowNs() })),
    ended.then((code) => ({ code })),
  ]);
  const { pid } = child;
  if ("code" in first || pid === undefined) {
    throw new Error(`${args.join(" ")} ended before it was ready:\n${output.slice(-4_000)}`);
  }
  const { ready: said = {} } = first.message as { readonly ready?: HostPart["said"] };
  return { child, pid, spawnedAt, readyAt: first.readyAt, said, output: () => output, ended };
}

/** Runs a program in the background until it is stopped. */
export function startStoppable(command: string, args: readonly string[]): Stoppable {
  const child = spawn(command, [...args], { stdio: "ignore" });
  const ended = once(child, "close");
  ended.catch(() => undefined);
  return {
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
