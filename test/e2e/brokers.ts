import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, freePort } from "./stack.ts";

export interface Broker {
  readonly url: string;
  /** SIGKILL, as a power cut at the broker. */
  kill(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** Why mosquitto's tests cannot run here, or undefined when they can. */
export function mosquittoMissing(): string | undefined {
  const found = spawnSync("mosquitto", ["-h"]);
  return found.error === undefined
    ? undefined
    : "mosquitto is not installed: apt-get install mosquitto";
}

/** A real mosquitto on a free loopback port, that keeps nothing over a restart. */
export async function createMosquitto(): Promise<Broker> {
  const folder = await mkdtemp(join(tmpdir(), "postern-mosquitto-"));
  const port = await freePort();
  const config = join(folder, "mosquitto.conf");
  await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
  let child = undefined as ReturnType<typeof spawn> | undefined;
  const broker: Broker = {
    url: `mqtt://127.0.0.1:${port}`,
    start: async () => {
      child = spawn("mosquitto", ["-c", config], { stdio: "ignore" });
      await eventually("mosquitto accepts connections", async () => {
        const socket = connect(port, "127.0.0.1");
        await once(socket, "connect");
        socket.destroy();
        return true;
      });
    },
    kill: async () => {
      if (child === undefined) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
      child = undefined;
    },
    remove: async () => {
      await broker.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return broker;
}
