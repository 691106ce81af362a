import type { ReaderHealth } from "../../../hal/reader.ts";
import { nowNs } from "../host-processes.ts";
import type { ListenerArguments } from "../listener-program.ts";
import type { Heard, ListenOptions, RigListener } from "../rig-target.ts";
import type { BenchConfig } from "./bench-config.ts";
import type { Remote } from "./remote.ts";

const report = "/tmp/postern-rig-heard.json";

interface Report {
  readonly heard: readonly Heard[];
  readonly health: Readonly<Record<string, ReaderHealth>>;
}

/** `listener-program.ts` on the machine under test, whose controller must not hold the lines. */
export async function startBenchListener(options: {
  readonly remote: Remote;
  readonly config: BenchConfig;
  readonly listen: ListenOptions;
  /** Lets time pass. */
  readonly idle: (ms: number) => Promise<void>;
}): Promise<RigListener> {
  const { remote, config, listen, idle } = options;
  const { program, profile, unit } = config;
  await remote.shell(`systemctl stop ${unit}; rm -f ${report}`);
  const words = JSON.stringify({ ...listen, profile, report } satisfies ListenerArguments);
  const running = await remote.start(`node ${program}/test/rig/listener-program.js '${words}'`);
  const { pid } = running;
  const usage = async () => {
    const found = await remote.usage(pid);
    if (found === undefined) throw new Error("the listener ended");
    return { ...found, at: nowNs() };
  };
  // It has its lines when the kernel lists it as who holds them.
  const isListening = async () => (await remote.shell("gpioinfo")).includes("rig-listener");
  while (listen.driver === "character_device" && !(await isListening())) {
    await usage();
    await idle(200);
  }
  const told = async (): Promise<Report> => {
    await remote.shell(`rm -f ${report}; kill -USR2 ${pid}`);
    for (;;) {
      await usage();
      const { code, stdout } = await remote.run(["cat", report]);
      if (code === 0) return JSON.parse(stdout) as Report;
      await idle(200);
    }
  };
  return {
    heard: async () => (await told()).heard,
    health: async () => (await told()).health,
    usage,
    close: () => running.stop(),
  };
}
