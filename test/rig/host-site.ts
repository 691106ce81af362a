import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../e2e/stack.ts";
import { startPart } from "./host-processes.ts";
import type { ProvisionedWorld } from "./provisioned-world.ts";
import type { RigSite } from "./rig-target.ts";

/**
 * The site that a world's controller belongs to, on this machine and with a broker of its own at
 * `mqttPort` of 127.0.0.1. It begins with what the world has of it, in `folder`.
 */
export async function startHostSite(options: {
  readonly program: string;
  readonly world: ProvisionedWorld;
  readonly folder: string;
  readonly mqttPort: number;
}): Promise<RigSite> {
  const { program, world, folder, mqttPort } = options;
  await cp(world.siteState, folder, { recursive: true });
  const httpPort = await freePort();
  const config = join(world.configFolder, "site.toml");
  const part = await startPart([join(program, "src/main.js"), "site", "--config", config], {
    POSTERN_STATE_DIR: folder,
    POSTERN_HTTP_PORT: `${httpPort}`,
    POSTERN_MQTT_PORT: `${mqttPort}`,
  });
  const url = `http://127.0.0.1:${httpPort}`;
  const apiKey = (await readFile(join(folder, "api-key"), "utf8")).trim();
  return {
    url,
    apiKey,
    call: async (method, path, body) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(typeof body === "object" && { "content-type": "application/json" }),
        },
        // A site file is its own text.
        ...(body === undefined
          ? {}
          : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return JSON.parse(text) as unknown;
    },
    close: async () => {
      part.child.kill("SIGTERM");
      await part.ended;
    },
  };
}
