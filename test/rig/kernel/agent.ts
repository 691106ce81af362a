// Runs in the guest and does what the host asks of it, over a virtio port.
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import type { AgentCall, AgentCalls, LineChange } from "./agent-protocol.ts";
import { GuestProcesses, nowNs, usageOf } from "./guest-processes.ts";
import { WiredChip } from "./wired-chip.ts";

const clock = createSystemClock({ quality: () => "unknown" });
const processes = new GuestProcesses();
let chip: WiredChip | undefined;

/**
 * Where time is `exact`, it leaps while nothing runs: minutes while the host thinks about its next
 * question. Something of the lowest priority therefore always runs, except in the calls whose very
 * purpose is to let time pass.
 */
const warden = {
  process: undefined as ChildProcess | undefined,
  leapingCalls: 0,
  async leap<T>(action: () => Promise<T>): Promise<T> {
    if (warden.leapingCalls === 0) warden.process?.kill("SIGSTOP");
    warden.leapingCalls += 1;
    try {
      return await action();
    } finally {
      warden.leapingCalls -= 1;
      if (warden.leapingCalls === 0) warden.process?.kill("SIGCONT");
    }
  },
};

type Handlers = {
  readonly [Name in keyof AgentCalls]: (
    parameters: AgentCalls[Name]["parameters"],
  ) => AgentCalls[Name]["result"] | Promise<AgentCalls[Name]["result"]>;
};

const handlers: Handlers = {
  hello: ({ programs, time }) => {
    if (time === "exact" && warden.process === undefined) {
      bringIntoMemory();
      warden.process = spawn(join(programs, "load"), ["idle"], { stdio: "ignore" });
    }
    return { kernel: release(), atNs: nowNs() };
  },
  wire: (parameters) => {
    chip = new WiredChip(parameters);
    return {};
  },
  play: ({ programs, plan, stamps }) => warden.leap(() => play(programs, plan, stamps)),
  level: ({ line }) => wired().level(line),
  changes: async ({ sinceNs }) => {
    await settled();
    return wired().changes(sinceNs);
  },
  waitForLevel: (parameters) => warden.leap(() => waitForLevel(parameters)),
  idle: ({ ms }) =>
    warden.leap(async () => {
      await pause(ms);
      return {};
    }),
  start: (parameters) => processes.start(parameters),
  spawn: ({ command }) => processes.spawn(command),
  signal: (parameters) => processes.signal(parameters),
  exit: ({ pid }) => processes.exit(pid),
  output: ({ pid }) => processes.output(pid),
  usage: ({ pid }) => usageOf(pid),
  run: (parameters) =>
    parameters.waits === "leap" ? warden.leap(() => run(parameters)) : run(parameters),
  write: ({ file, text }) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return {};
  },
  read: ({ file }) => readFileSync(file, "utf8"),
};

/**
 * Reads node and its libraries, which come from the host page by page when they are first run: while
 * they do, nothing runs, and exact time leaps. A first tap was 200 ms late by it.
 */
function bringIntoMemory(): void {
  const maps = readFileSync("/proc/self/maps", "utf8");
  const files = new Set(maps.split("\n").flatMap((line) => / (\/\S+)$/.exec(line)?.[1] ?? []));
  for (const file of files) if (existsSync(file)) readFileSync(file);
}

function wired(): WiredChip {
  if (chip === undefined) throw new Error("the board has not been wired");
  return chip;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.alarm(monotonicMs(clock.monotonic() + ms), () => resolve());
  });
}

/** Within it the kernel hands over what it has traced, and does what it has traced as begun. */
const settleMs = 20;

/** What was traced before this call has been read. */
function settled(): Promise<void> {
  return pause(settleMs);
}

async function play(programs: string, plan: string, stamps: string): Promise<object> {
  const named = readFileSync(plan, "utf8");
  const text = named.replaceAll(
    /^line (.*)$/gm,
    (_, line: string) => `line ${wired().pullFile(line)}`,
  );
  const ownPlan = `/tmp/plan-${nowNs()}`;
  writeFileSync(ownPlan, text);
  const { code, stderr } = await run({
    command: [join(programs, "wires"), ownPlan, stamps],
    secondsMax: 86_400,
  });
  if (code !== 0) throw new Error(`wires: ${stderr}`);
  return {};
}

async function waitForLevel({
  line,
  level,
  withinMs,
}: AgentCalls["waitForLevel"]["parameters"]): Promise<LineChange | null> {
  const board = wired();
  return new Promise((resolve) => {
    const over = (change: LineChange | null) => {
      forget();
      again.cancel();
      late.cancel();
      resolve(change);
    };
    const forget = board.listen((change) => {
      if (change.line === line && change.level === level) over(change);
    });
    const late = clock.alarm(monotonicMs(clock.monotonic() + withinMs), () => over(null));
    const look = () => {
      if (board.level(line) === level) over({ line, level, atNs: nowNs() });
    };
    // The kernel stamps a change before it makes it. Who was told of it by an earlier call may be here
    // in between: the line is as it was yet, and no other change will be told.
    const again = clock.alarm(monotonicMs(clock.monotonic() + settleMs), look);
    look();
  });
}

async function run({
  command,
  env = {},
  secondsMax,
}: AgentCalls["run"]["parameters"]): Promise<AgentCalls["run"]["result"]> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const late = clock.alarm(monotonicMs(clock.monotonic() + secondsMax * 1_000), () => {
    stderr += `killed after ${secondsMax} s\n`;
    child.kill("SIGKILL");
  });
  return new Promise((resolve) => {
    const over = (code: number | null) => {
      late.cancel();
      resolve({ code, stdout, stderr });
    };
    child.on("error", (error) => {
      stderr += `${error.message}\n`;
      over(null);
    });
    child.on("close", over);
  });
}

async function answer({ name, parameters }: AgentCall): Promise<unknown> {
  const handler = handlers[name] as ((parameters: unknown) => unknown) | undefined;
  if (handler === undefined) throw new Error(`no such call: ${name}`);
  return await handler(parameters);
}

/** The port has no name without udev. */
function portFile(): string {
  const port = readdirSync("/dev").find((name) => /^vport[0-9]+p1$/.test(name));
  if (port === undefined) throw new Error("no virtio port");
  return join("/dev", port);
}

function serve(file: string): void {
  // A port can be opened once.
  const port = openSync(file, "r+");
  const say = (text: string): void => {
    const bytes = Buffer.from(`${text}\n`);
    for (let done = 0; done < bytes.length; ) done += writeSync(port, bytes, done);
  };
  const input = createInterface({ input: createReadStream(file, { fd: port, autoClose: false }) });
  input.on("line", (line) => {
    const call = JSON.parse(line) as AgentCall;
    answer(call).then(
      (result) => say(JSON.stringify({ id: call.id, result })),
      (error: unknown) => {
        const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
        say(JSON.stringify({ id: call.id, error: said }));
      },
    );
  });
  input.on("close", () => {
    closeSync(port);
    process.exit(0);
  });
}

if (!existsSync("/rig")) throw new Error("not in the rig's guest: there is no /rig");
serve(portFile());
