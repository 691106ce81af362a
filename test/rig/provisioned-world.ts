import { spawn } from "node:child_process";
import { createHash, createPublicKey } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acquireLock } from "../../scripts/set-up-lock.mjs";
import { siteKeyText } from "../../src/protocols/mobile-pass/phone-state.ts";
import { eventually, freePort } from "../e2e/stack.ts";
import { runToEnd } from "../run-to-end.ts";
import { controllerFile } from "./controller-file.ts";
import { enrolAda } from "./enrol-ada.ts";

/** What a site and its controller know of each other once the controller has its table. */
export interface ProvisionedWorld {
  /** The controller's state: keys and table, and a journal that has only just begun. */
  readonly controllerState: string;
  /** The site's: its signing keys are those that the controller knows. */
  readonly siteState: string;
  /** `site.toml` and the site file. */
  readonly configFolder: string;
  /** The keys of Ada's phone, which opens both doors: a file of `postern phone`, which holds `ada`. */
  readonly phonesFile: string;
  /** What phones of this site are told it by. */
  readonly siteKey: string;
}

/** The site's own files in a state folder that it shares with a controller. */
const siteFiles = /^(site|api-key)/;

/**
 * Runs a whole site and a controller on the simulated board until the table is there, and keeps what
 * they then have below `folder`: a controller on a target begins with it, and needs no site. Made once
 * for each state of the sources.
 */
export async function provisionWorld(options: {
  readonly program: string;
  readonly folder: string;
}): Promise<ProvisionedWorld> {
  const { program, folder } = options;
  const own = join(folder, await markOf(program));
  const world = {
    controllerState: join(own, "controller"),
    siteState: join(own, "site"),
    configFolder: join(own, "config"),
    phonesFile: join(own, "phones.json"),
  };
  await mkdir(folder, { recursive: true });
  const release = await acquireLock(`${folder}.lock`, () => undefined);
  try {
    if (!existsSync(join(own, "whole"))) {
      await makeWorld(program, own, world);
      await writeFile(join(own, "whole"), "");
    }
  } finally {
    release();
  }
  return { ...world, siteKey: await siteKeyOf(world.siteState) };
}

/** As its API tells it, which a scenario has not always there. */
async function siteKeyOf(siteState: string): Promise<string> {
  return siteKeyText(createPublicKey(await readFile(join(siteState, "site/mobile.key"))));
}

/** Another for any other source: what an earlier program left may be nothing to this one. */
async function markOf(program: string): Promise<string> {
  const hash = createHash("sha256");
  for (const sources of ["src", "hal", "test/rig"]) {
    const folder = join(program, sources);
    const files = await readdir(folder, { recursive: true });
    for (const file of files.filter((name) => /\.(js|toml)$/.test(name)).toSorted()) {
      hash.update(file).update(await readFile(join(folder, file)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

async function makeWorld(
  program: string,
  own: string,
  world: Omit<ProvisionedWorld, "siteKey">,
): Promise<void> {
  const main = join(program, "src/main.js");
  const state = await mkdtemp(join(tmpdir(), "postern-rig-world-"));
  const { configFolder } = world;
  await rm(own, { recursive: true, force: true });
  await cp(join(program, "test/rig/config"), configFolder, { recursive: true });
  const profile = join(program, "test/rig/boards/two-doors-mobile.toml");
  const settings = { "board.kind": "sim", "board.profile_file": profile, "board.port": 0 };
  await writeFile(join(configFolder, "controller.toml"), controllerFile(settings));
  const { stop, siteUrl, boardUrl } = await startWorld({ main, state, configFolder });
  try {
    await eventually("the controller has its table", async () => {
      const socket = join(state, "controller.sock");
      const status = await runToEnd([main, "status", "--json", "--socket", socket]);
      if (status.code !== 0) throw new Error(status.stderr);
      const { table } = JSON.parse(status.stdout) as { table?: { version?: number } | null };
      return table?.version === undefined ? undefined : true;
    });
    await enrolAda({ state, siteUrl, boardUrl, phonesFile: world.phonesFile });
  } finally {
    await stop();
  }
  await share(state, world);
  await rm(state, { recursive: true, force: true });
}

interface RunningWorld {
  readonly siteUrl: string;
  readonly boardUrl: string;
  readonly stop: () => Promise<void>;
}

/** Resolves when both parts serve. */
async function startWorld(options: {
  readonly main: string;
  readonly state: string;
  readonly configFolder: string;
}): Promise<RunningWorld> {
  const { main, state, configFolder } = options;
  const up = spawn(process.execPath, [main, "up", "--config", configFolder], {
    env: {
      ...process.env,
      POSTERN_STATE_DIR: state,
      POSTERN_HTTP_PORT: "0",
      POSTERN_SIM_PORT: "0",
      POSTERN_MQTT_PORT: `${await freePort()}`,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const ended = new Promise<string>((resolve) => up.on("close", () => resolve(output)));
  const serving = new Promise<undefined>((resolve) => {
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("Ctrl-C stops it")) resolve(undefined);
    };
    up.stdout.on("data", take);
    up.stderr.on("data", take);
  });
  const said = await Promise.race([serving, ended]);
  if (said !== undefined) throw new Error(`postern up ended:\n${said}`);
  const urlAfter = (what: string) => {
    const url = new RegExp(`${what} +(http://127\\.0\\.0\\.1:[0-9]+)`).exec(output)?.[1];
    if (url === undefined) throw new Error(`no address of ${what} in:\n${output}`);
    return url;
  };
  return {
    siteUrl: urlAfter("site API"),
    boardUrl: urlAfter("simulated board"),
    stop: async () => {
      up.kill("SIGINT");
      await ended;
    },
  };
}

async function share(state: string, world: Omit<ProvisionedWorld, "siteKey">): Promise<void> {
  await mkdir(world.controllerState);
  await mkdir(world.siteState);
  for (const name of await readdir(state)) {
    if (/\.sock$|^parts\.json$/.test(name)) continue;
    const to = siteFiles.test(name) ? world.siteState : world.controllerState;
    await cp(join(state, name), join(to, name), { recursive: true });
  }
}
