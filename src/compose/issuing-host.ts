import process from "node:process";
import type { IssuingHost } from "../cli/issuing-verbs.ts";
import type { Terminal } from "../cli/terminal.ts";
import { monotonicMs } from "../domain/time.ts";
import type { Environment } from "./config/environment.ts";

/** The process that users and passes are typed at. What a verb does not need is not loaded. */
export function issuingHost(options: {
  readonly configFile: string;
  readonly env: Environment;
  readonly terminal: Terminal;
}): IssuingHost {
  const { configFile, env, terminal } = options;
  return {
    terminal,
    configFile,
    openClient: async (file) => {
      const { openSiteClient } = await import("./site-client.ts");
      return openSiteClient({ configFile: file, env });
    },
    readPin: async () => {
      const { readPin } = await import("../cli/read-pin.ts");
      return await readPin(process.stdin, terminal.err);
    },
    onInterrupt: (act) => {
      process.on("SIGINT", act);
      return () => void process.off("SIGINT", act);
    },
    pause: async (forMs) => {
      const { createSystemClock } = await import("../../hal/linux/system-clock.ts");
      const clock = createSystemClock({ quality: () => "trusted" });
      await new Promise<void>((resolve) => {
        clock.alarm(monotonicMs(clock.monotonic() + forMs), resolve);
      });
    },
    progress: process.stderr.isTTY ? "shown" : "hidden",
  };
}
