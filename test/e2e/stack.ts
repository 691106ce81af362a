import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runToEnd } from "../run-to-end.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const program = join(repository, "dist/src/main.js");

/** How long any condition below may take before the test gives up: long, because CI is slow. */
const patienceMs = 60_000;
/** Three processes are loaded, and what they need is compiled. */
const startPatienceMs = 120_000;

export interface SiteEvent {
  readonly position: number;
  readonly controller: string;
  readonly journal: string;
  readonly number: number;
  readonly at: string;
  readonly kind: string;
  readonly door: string | null;
  readonly reader: string | null;
  readonly user: string | null;
  readonly pass: string | null;
  readonly result: "granted" | "denied" | null;
  readonly reason: string | null;
  readonly table_epoch: number | null;
  readonly table_version: number | null;
  readonly hash: string;
  /** As the controller journalled it. */
  readonly event: { readonly kind: string; readonly reason?: string };
}

export interface BoardState {
  readonly doors: Record<string, { strike: "secured" | "released"; leaf: "open" | "closed" }>;
  readonly readers: Record<string, { led: string; beeper: string }>;
}

/** A whole `postern up` in real processes, on free ports and a state folder of its own. */
export interface Stack {
  readonly stateDir: string;
  readonly env: Record<string, string>;
  readonly siteUrl: string;
  readonly boardUrl: string;
  /** Everything that the processes wrote, for the message of a failing test. */
  output(): string;
  apiKey(): Promise<string>;
  board(): Promise<BoardState>;
  events(query?: string): Promise<readonly SiteEvent[]>;
  /** Answers with the board's reply. */
  post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  /** The process of one part, by what its command line says. */
  pid(part: "up" | "site" | "controller"): Promise<number>;
  start(): Promise<void>;
  /** As Ctrl-C does; resolves with the exit code when all of it is gone. */
  stop(): Promise<number | null>;
  kill(part: "up" | "site" | "controller"): Promise<void>;
  /** Stops, and removes the state folder. */
  remove(): Promise<void>;
}

/** Asks until the answer is not undefined; throws with `what` when patience is at its end. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  forMs = patienceMs,
): Promise<T> {
  const giveUpAt = performance.now() + forMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > giveUpAt) {
      throw new Error(`did not happen in ${forMs} ms: ${what}`, { cause: last });
    }
    await pause(20);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Runs `postern …` to its end. */
export function postern(
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly input?: string } = {},
): ReturnType<typeof runToEnd> {
  return runToEnd([program, ...args], { cwd: repository, ...options });
}

export function startPostern(args: readonly string[], env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [program, ...args], {
    cwd: repository,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export async function createStack(extraEnv: Record<string, string> = {}): Promise<Stack> {
  const stateDir = await mkdtemp(join(tmpdir(), "postern-e2e-"));
  const [http, sim, mqtt] = [await freePort(), await freePort(), await freePort()];
  const env: Record<string, string> = {
    POSTERN_STATE_DIR: stateDir,
    POSTERN_HTTP_PORT: String(http),
    POSTERN_SIM_PORT: String(sim),
    POSTERN_MQTT_PORT: String(mqtt),
    ...extraEnv,
  };
  const siteUrl = `http://127.0.0.1:${http}`;
  const boardUrl = `http://127.0.0.1:${sim}`;
  let child: ChildProcess | undefined;
  let output = "";

  const apiKey = async () => (await readFile(join(stateDir, "api-key"), "utf8")).trim();

  const getJson = async (url: string, headers: Record<string, string> = {}): Promise<unknown> => {
    const response = await fetch(url, { headers });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
    return response.json();
  };

  const stack: Stack = {
    stateDir,
    env,
    siteUrl,
    boardUrl,
    output: () => output,
    apiKey,
    board: async () => (await getJson(`${boardUrl}/sim`)) as BoardState,
    events: async (query = "") => {
      const headers = { authorization: `Bearer ${await apiKey()}` };
      const answer = await getJson(`${siteUrl}/postern/events${query}`, headers);
      return (answer as { events: SiteEvent[] }).events;
    },
    post: async (path, body) => {
      const response = await fetch(`${boardUrl}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
      return {
        status: response.status,
        body: (await response.json()) as Record<string, unknown>,
      };
    },
    pid: async (part) => {
      if (part === "up") {
        if (child?.pid === undefined) throw new Error("not started");
        return child.pid;
      }
      const parts = JSON.parse(await readFile(join(stateDir, "parts.json"), "utf8")) as Record<
        string,
        number
      >;
      const pid = parts[part];
      if (pid === undefined) throw new Error(`no ${part} is running`);
      return pid;
    },
    start: async () => {
      child = startPostern(["up"], env);
      child.stdout?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
      child.stderr?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
      const running = child;
      const answer = async () => {
        if (running.exitCode !== null) throw new Error(`postern up ended:\n${output}`);
        await stack.board();
        await stack.events("?limit=1");
        return true;
      };
      await eventually("the site and the board answer", answer, startPatienceMs);
    },
    stop: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
      const gone = once(child, "close");
      child.kill("SIGINT");
      const [code] = (await gone) as [number | null];
      child = undefined;
      return code;
    },
    kill: async (part) => {
      process.kill(await stack.pid(part), "SIGKILL");
      if (part === "up" && child !== undefined) {
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
        child = undefined;
      }
    },
    remove: async () => {
      await stack.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
  return stack;
}

export const ada = { format: "H10301", facility: 12, number: 34567 };
export const bob = { format: "H10301", facility: 12, number: 1111 };
export const cleo = { format: "H10301", facility: 12, number: 2222 };
export const stranger = { format: "H10301", facility: 99, number: 4711 };
export const adaPin = "246810";
