#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { CommandFailed, type Terminal } from "./cli/terminal.ts";
import { fail, type Result } from "./domain/result.ts";

// Every verb imports its own part when it runs: a technician's `postern status` must not wait for a
// broker, a database and a web framework to load.

const program = fileURLToPath(import.meta.url);
const packageFolder = findPackageFolder();
const env = process.env;
const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

const terminal: Terminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
};

/** The compiled program is one folder deeper than the source. */
function findPackageFolder(): string {
  const candidates = [join(program, "../.."), join(program, "../../..")];
  const found = candidates.find((folder) => existsSync(join(folder, "package.json")));
  if (found === undefined) throw new Error(`${program} is not in postern's package`);
  return found;
}

function version(): string {
  const text = readFileSync(join(packageFolder, "package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

function defaultSocketFile(): string {
  const stateDir = env["POSTERN_STATE_DIR"];
  return join(stateDir === undefined || stateDir === "" ? ".postern" : stateDir, "controller.sock");
}

/** commander wants a parser that throws; ours return a `Result` that says what was expected. */
function argument<T>(parse: (text: string) => Result<T, string>): (text: string) => T {
  return (text) => {
    const parsed = parse(text);
    if (parsed.ok) return parsed.value;
    throw new InvalidArgumentError(`Expected ${parsed.fault}.`);
  };
}

function parseCount(least: number): (text: string) => Result<number, string> {
  return (text) => {
    const value = Number(text);
    const isCount = /^[0-9]+$/.test(text) && value >= least && value <= Number.MAX_SAFE_INTEGER;
    return isCount ? { ok: true, value } : fail(`a whole number from ${least}`);
  };
}

interface ServiceFlags {
  readonly config: string;
  readonly logLevel?: (typeof logLevels)[number];
}

interface LocalFlags {
  readonly socket: string;
  readonly json: boolean;
}

function createProgram(): Command {
  const postern = new Command("postern")
    .description(
      "A door controller, the site that issues passes to it, and its technician's tools.",
    )
    .version(version(), "--version", "print the version")
    .showHelpAfterError("(postern --help lists what there is)")
    .exitOverride();
  addServices(postern);
  addTools(postern);
  return postern;
}

function addServices(postern: Command): void {
  const configFile = (name: string) => join(packageFolder, "config", name);
  const configOption = (name: string) =>
    new Option("--config <file>", "its configuration").default(configFile(name));
  const logOption = () =>
    new Option("--log-level <level>", "instead of the configuration's").choices(logLevels);

  postern
    .command("up")
    .description("run a whole site and a controller on this machine")
    .option("--config <folder>", "with controller.toml and site.toml", configFile(""))
    .action(async ({ config }: { readonly config: string }) => {
      const { runUp } = await import("./compose/up.ts");
      await runUp({ program, configDir: config, env, print: terminal.out });
    });
  postern
    .command("controller")
    .description("run the controller")
    .addOption(configOption("controller.toml"))
    .addOption(logOption())
    .action(async ({ config, logLevel }: ServiceFlags) => {
      const { runController } = await import("./compose/controller.ts");
      const level = logLevel === undefined ? {} : { logLevel };
      await runController({ configFile: config, env, software: version(), ...level });
    });
  const site = postern
    .command("site")
    .description("run the site service, or change what it issues")
    .enablePositionalOptions()
    .addOption(configOption("site.toml"))
    .addOption(logOption())
    .action(async ({ config, logLevel }: ServiceFlags) => {
      const { runSite } = await import("./compose/site.ts");
      const level = logLevel === undefined ? {} : { logLevel };
      await runSite({ configFile: config, env, ...level });
    });
  site
    .command("apply <file>")
    .description("replace users, passes, doors and rules by those of a site file")
    .addOption(configOption("site.toml"))
    .action(async (file: string, { config }: { readonly config: string }) => {
      const { applySiteFile } = await import("./compose/apply-site.ts");
      await applySiteFile({ file, configFile: config, env, print: terminal.out });
    });
  site
    .command("tables")
    .description("where each controller's table stands: updating, complete, or failed and why")
    .addOption(configOption("site.toml"))
    .option("--json", "for programs", false)
    .action(async ({ config, json }: { readonly config: string; readonly json: boolean }) => {
      const { showTables } = await import("./compose/show-tables.ts");
      await showTables({ configFile: config, env, json, print: terminal.out });
    });
  site
    .command("rotate-key")
    .description(
      "sign with a new key, which controllers follow by a hand-over that the old one signs",
    )
    .addOption(configOption("site.toml"))
    .action(async ({ config }: { readonly config: string }) => {
      const { rotateSiteKey } = await import("./compose/rotate-key.ts");
      await rotateSiteKey({ configFile: config, env, print: terminal.out });
    });
}

function addTools(postern: Command): void {
  const tool = (name: string) =>
    postern
      .command(name)
      .option("--socket <file>", "the controller's socket", defaultSocketFile())
      .option("--json", "for programs", false);

  tool("status")
    .description("how the controller is: clock, broker, table, doors, readers, troubles")
    .action(async ({ socket, json }: LocalFlags) => {
      const { showStatus } = await import("./cli/status.ts");
      await showStatus({ socketFile: socket, json, terminal });
    });
  tool("events")
    .description("the controller's journal, oldest first")
    .option("--follow", "go on with each new entry", false)
    .option("--after <number>", "entries with a higher number", argument(parseCount(0)))
    .option("--limit <count>", "at most so many", argument(parseCount(1)))
    .action(async (flags: LocalFlags & EventsFlags) => {
      const { showEvents } = await import("./cli/events.ts");
      const { socket, json, follow, after, limit } = flags;
      await showEvents({ socketFile: socket, json, follow, after, limit, terminal });
    });
  tool("explain")
    .description("which check would decide at a door, and what would have to change")
    .requiredOption("--door <id>", "the door")
    .option("--card <format:field:…>", "as H10301:12:34567, 12:34567, or the board's JSON")
    .addOption(new Option("--bits <bits>", "the frame itself").conflicts("card"))
    .addOption(
      new Option("--pass <id>", "a pass, whatever it presents").conflicts(["card", "bits"]),
    )
    .option("--pin", "with a PIN, asked for or read from standard input", false)
    .option("--at <time>", "not now but then, as 2026-11-21T08:00:00+01:00")
    .action(explain);
  tool("door")
    .description("set what a door is, over its site and its schedules, until `clear` undoes it")
    .argument("<door>", "the door")
    .argument("<posture>", "disabled, locked, unlocked, free-access, lockdown, or clear")
    .addOption(
      new Option("--until <when>", "when it ends: cleared, or next-change of its schedules")
        .choices(["cleared", "next-change"])
        .default("cleared"),
    )
    .action(async (door: string, posture: string, { socket, json, until }: DoorFlags) => {
      const { overrideDoor } = await import("./cli/operate.ts");
      await overrideDoor({ socketFile: socket, json, door, posture, until, terminal });
    });
  tool("forgive")
    .description("forget where a user is thought to be: anti-passback takes his word once")
    .addOption(new Option("--user <id>", "the user").conflicts("all"))
    .option("--all", "everybody", false)
    .action(async ({ socket, json, user, all }: ForgiveFlags) => {
      const { forgive } = await import("./cli/operate.ts");
      if (user === undefined && !all) throw new CommandFailed(2, "expected --user or --all");
      await forgive({ socketFile: socket, json, user, terminal });
    });
}

interface DoorFlags extends LocalFlags {
  readonly until: "cleared" | "next-change";
}

interface ForgiveFlags extends LocalFlags {
  readonly user?: string;
  readonly all: boolean;
}

interface EventsFlags {
  readonly follow: boolean;
  readonly after?: number;
  readonly limit?: number;
}

interface ExplainFlags extends LocalFlags {
  readonly door: string;
  readonly card?: string;
  readonly bits?: string;
  readonly pass?: string;
  readonly pin: boolean;
  readonly at?: string;
}

async function explain(flags: ExplainFlags): Promise<void> {
  const { socket, json, door, card, bits, pass, pin, at } = flags;
  const { showExplanation, readExplainArguments } = await import("./cli/explain.ts");
  const { readPin } = await import("./cli/read-pin.ts");
  const presented = readExplainArguments({ card, bits, at });
  const digits = pin ? await readPin(process.stdin, terminal.err) : undefined;
  const asked = { door, ...presented, pass, pin: digits };
  await showExplanation({ socketFile: socket, json, ...asked, terminal });
}

async function run(): Promise<number> {
  try {
    await createProgram().parseAsync(process.argv);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof CommandFailed) {
      terminal.err(`postern: ${error.message}\n`);
      return error.exitCode;
    }
    // Said by name and not by class, for which the composition roots would have to be loaded.
    if (error instanceof Error && error.name === "StartRefused") {
      terminal.err(`postern: ${error.message}\n`);
      return 1;
    }
    if (error instanceof Error && error.name === "StateError") {
      terminal.err(`postern: POSTERN_STATE_DIR: ${error.message}\n`);
      return 1;
    }
    throw error;
  }
}

// `postern events | head` closes our output: that is an end and no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});
process.exitCode = await run();
