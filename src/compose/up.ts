import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { serialiseProvision } from "../protocols/sync/provision.ts";
import { openApiKey } from "../site/api-key.ts";
import { parseSiteFile } from "../site/site-file.ts";
import { openSiteKeys } from "../site/site-keys.ts";
import { openSiteFolder, openStateFolder, type StateFolder } from "../site/state-folder.ts";
import type { ControllerConfig } from "./config/controller-config.ts";
import type { Environment } from "./config/environment.ts";
import type { SiteConfig } from "./config/site-config.ts";
import { untilStopped } from "./part-messages.ts";
import { readControllerConfig, readSiteConfig } from "./start-config.ts";
import { parseStartFile } from "./start-file.ts";
import { StartRefused } from "./start-refused.ts";
import { type Part, SupervisedPart, smallHeap } from "./supervisor.ts";

export interface UpOptions {
  /** The compiled program, of which the parts are verbs. */
  readonly program: string;
  /** The folder with `controller.toml` and `site.toml`. */
  readonly configDir: string;
  readonly env: Environment;
  readonly print: (text: string) => void;
}

/** Which process is which, for whoever wants to look at one, or kill it. */
const partsFile = "parts.json";

/** How long the parts of an `up` that was killed may take to notice and leave their ports. */
const orphanMaxMs = 5_000;

/**
 * A whole site and a controller on this machine, each in a process of its own, until a signal. Throws
 * `StartRefused` where the configuration is wrong, and what a part said when it cannot start.
 */
export async function runUp(options: UpOptions): Promise<void> {
  const { program, configDir, env, print } = options;
  const siteFile = join(configDir, "site.toml");
  const controllerFile = join(configDir, "controller.toml");
  const site = readSiteConfig({ configFile: siteFile, env });
  const controller = readControllerConfig({ configFile: controllerFile, env });
  const state = openStateFolder(resolve(site.stateDir));
  const stopped = untilStopped();
  await untilAlone(state);
  requireAgreement(site, controller, controllerFile);
  provision(state, controller);

  const pids: Record<string, number> = { up: process.pid };
  const supervise = (part: Part, partEnv: Environment) =>
    new SupervisedPart(part, {
      program,
      env: partEnv,
      onStarted: ({ name }, pid) => {
        pids[name] = pid;
        state.write(partsFile, `${JSON.stringify(pids)}\n`);
      },
      onKilled: ({ name }) => print(`postern: ${name} did not stop and was killed\n`),
      onEnded: ({ name }, how, restartInMs) =>
        print(`postern: ${name} ended (${how}); starting it again in ${restartInMs} ms\n`),
    });
  // All of it is ready when its doors are served: a service manager is to hear that from one of them.
  const unheard = { ...env, NOTIFY_SOCKET: undefined };
  const level = ["--log-level", "warn"];
  const parts = [
    supervise({ name: "site", args: ["site", "--config", siteFile, ...level] }, unheard),
    supervise(
      {
        name: "controller",
        args: ["controller", "--config", controllerFile, ...level],
        flags: smallHeap,
      },
      env,
    ),
  ];
  const stopAll = () => Promise.all(parts.map((part) => part.stop()));
  try {
    const where: Record<string, string> = {};
    for (const part of parts) {
      const ready = await Promise.race([part.start(), stopped]);
      if (ready === undefined) return;
      Object.assign(where, ready);
    }
    print(banner({ where, state, apiKey: openApiKey(state).text }));
    await stopped;
    print("\npostern: stopping\n");
  } finally {
    await stopAll();
  }
}

/** What an installer does by hand in production: gives the controller the keys its site made for it. */
function provision(
  state: StateFolder,
  { site, controller, provisionFile }: ControllerConfig,
): void {
  const keys = openSiteKeys(openSiteFolder(state.path), site);
  const folder = openStateFolder(resolve(provisionFile, ".."));
  folder.write(
    resolve(provisionFile).slice(folder.path.length + 1),
    serialiseProvision(keys.provisionFor(controller)),
  );
}

/** Two files that do not speak of the same doors would be up, and deny everybody. */
function requireAgreement(
  { siteFile }: SiteConfig,
  { site, controller }: ControllerConfig,
  controllerFile: string,
): void {
  const model = parseStartFile(siteFile, parseSiteFile);
  if (model.site !== site) {
    throw new StartRefused(
      `${controllerFile}: site: expected "${model.site}", as ${siteFile} has it, found "${site}"`,
    );
  }
  if (model.doors.every((door) => door.controller !== controller)) {
    const named = [...new Set(model.doors.map((door) => door.controller))].join(", ");
    throw new StartRefused(
      `${controllerFile}: id: expected a controller that has a door in ${siteFile} (${named}), ` +
        `found "${controller}"`,
    );
  }
}

/** Those of an `up` that was killed are leaving; those of one that runs are not. */
async function untilAlone(state: StateFolder): Promise<void> {
  const giveUpAt = performance.now() + orphanMaxMs;
  for (;;) {
    const others = orphans(state).filter(isPostern);
    if (others.length === 0) return;
    if (performance.now() > giveUpAt) {
      throw new StartRefused(
        `${state.path}: another postern runs on this state folder (process ${others.join(", ")}); ` +
          "stop it, or choose another POSTERN_STATE_DIR",
      );
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

function orphans(state: StateFolder): readonly number[] {
  const bytes = state.read(partsFile);
  if (bytes === undefined) return [];
  try {
    const parts: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const pids: readonly unknown[] =
      typeof parts === "object" && parts !== null ? Object.values(parts) : [];
    return pids.filter((pid): pid is number => Number.isInteger(pid) && pid !== process.pid);
  } catch {
    // A torn file names nobody; a port that is still taken will say so itself.
    return [];
  }
}

/** The number of a process that ended may belong to somebody else by now. */
function isPostern(pid: number): boolean {
  try {
    return /main\.js|start\.mjs/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
  } catch {
    return false;
  }
}

function banner(options: {
  readonly where: Readonly<Record<string, string>>;
  readonly state: StateFolder;
  readonly apiKey: string;
}): string {
  const { where, state, apiKey } = options;
  const site = where["site"] ?? "";
  // A real board has no face of ours: a card is held to its reader.
  const board = where["board"];
  const noTableYet =
    where["table"] === "none"
      ? "The controller has no access table yet: it denies everybody until it hears from the site.\n\n"
      : "";
  return `
Postern is up.

  site API         ${site}
  ${board === undefined ? "board            this machine's own lines" : `simulated board  ${board}/sim`}
  MQTT             ${where["broker"] ?? ""}
  state folder     ${state.path}
  API key          ${apiKey}

${noTableYet}${board === undefined ? "" : thingsToTry({ board, site, apiKey })}Ctrl-C stops it.
`;
}

function thingsToTry(options: {
  readonly board: string;
  readonly site: string;
  readonly apiKey: string;
}): string {
  const { board, site, apiKey } = options;
  const post = `curl -X POST -H 'content-type: application/json'`;
  return `Three things to try:

  Ada's card opens the front door for three seconds:
    ${post} ${board}/sim/readers/front/card \\
      -d '{"format":"H10301","facility":12,"number":34567}'

  Bob's card is known and opens nothing:
    ${post} ${board}/sim/readers/front/card \\
      -d '{"format":"H10301","facility":12,"number":1111}'

  What the site was told of both:
    curl -H 'authorization: Bearer ${apiKey}' ${site}/postern/events

`;
}
