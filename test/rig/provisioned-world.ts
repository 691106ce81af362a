import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryRoot } from "../../scripts/setup.mjs";
import { eventually, freePort } from "../e2e/stack.ts";
import { runToEnd } from "../run-to-end.ts";
import { controllerFile } from "./controller-file.ts";

/** What a site and its controller know of each other once the controller has its table. */
export interface ProvisionedWorld {
  /** The controller's state: keys and table, and a journal that has only just begun. */
  readonly controllerState: string;
  /** The site's: its signing keys are those that the controller knows. */
  readonly siteState: string;
  /** `site.toml` and the site file. */
  readonly configFolder: string;
}

/** The site's own files in a state folder that it shares with a controller. */
const siteFiles = /^(site|api-key)/;

/**
 * Runs a whole site and a controller on the simulated board until the table is there, and keeps what
 * they then have in `folder`: a controller on a target begins with it, and needs no site.
 */
export async function provisionWorld(options: {
  readonly program: string;
  readonly folder: string;
}): Promise<ProvisionedWorld> {
  const { program, folder } = options;
  const main = join(program, "src/main.js");
  const state = await mkdtemp(join(tmpdir(), "postern-rig-world-"));
  const configFolder = join(folder, "config");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(join(repositoryRoot, "test/rig/config"), configFolder, { recursive: true });
  const profile = join(repositoryRoot, "test/rig/boards/two-doors.toml");
  const settings = { "board.kind": "sim", "board.profile_file": profile, "board.port": 0 };
  await writeFile(join(configFolder, "controller.toml"), controllerFile(settings));
  const env = {
    POSTERN_STATE_DIR: state,
    POSTERN_HTTP_PORT: "0",
    POSTERN_SIM_PORT: "0",
    POSTERN_MQTT_PORT: `${await freePort()}`,
  };
  const up = spawn(process.execPath, [main, "up", "--config", configFolder], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  up.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  up.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => up.on("close", () => resolve()));
  try {
    await eventually("the controller has its table", async () => {
      if (up.exitCode !== null) throw new Error(`postern up ended:\n${output}`);
      const socket = join(state, "controller.sock");
      const status = await runToEnd([main, "status", "--json", "--socket", socket]);
      if (status.code !== 0) throw new Error(status.stderr);
      const { table } = JSON.parse(status.stdout) as { table?: { version?: number } | null };
      return table?.version === undefined ? undefined : true;
    });
  } finally {
    up.kill("SIGINT");
    await ended;
  }
  const world = {
    controllerState: join(folder, "controller"),
    siteState: join(folder, "site"),
    configFolder,
  };
  await share(state, world);
  await rm(state, { recursive: true, force: true });
  return world;
}

async function share(state: string, world: ProvisionedWorld): Promise<void> {
  await mkdir(world.controllerState);
  await mkdir(world.siteState);
  for (const name of await readdir(state)) {
    if (/\.sock$|^parts\.json$/.test(name)) continue;
    const to = siteFiles.test(name) ? world.siteState : world.controllerState;
    await cp(join(state, name), join(to, name), { recursive: true });
  }
}
