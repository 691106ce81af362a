import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import pg from "pg";
import type { Test } from "tap";

const debianRoot = "/usr/lib/postgresql";

/** The folder of the newest server that Debian has installed, or of the one in the path. */
function binaries(): string | undefined {
  const versions = existsSync(debianRoot) ? readdirSync(debianRoot) : [];
  const folders = versions
    .toSorted((one, other) => Number(other) - Number(one))
    .map((version) => join(debianRoot, version, "bin"));
  return [...folders, ...(process.env["PATH"] ?? "").split(":")].find((folder) =>
    ["initdb", "postgres"].every((program) => existsSync(join(folder, program))),
  );
}

/** As tap has it: what is missing, or false. */
export const noPostgres: string | false =
  process.platform === "linux" && binaries() !== undefined
    ? false
    : "PostgreSQL's server is not installed here (apt-get install postgresql)";

/** Of Debian's user `nobody`: the server refuses to run as root. */
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;

/** A server of the test's own, on a socket in a folder of its own: gone with the test. */
export interface PostgresServer {
  /** The folder of its socket. */
  readonly folder: string;
  /** The address of a new, empty database there. */
  newDatabase(): Promise<string>;
  /** Cuts every connection, and returns once it is gone. What was committed stays. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/**
 * `durable`: what is committed is on disk, as it is on a real server; tests are quicker without, and
 * none of them cuts the power.
 */
export async function startPostgres(
  t: Pick<Test, "teardown">,
  { durable = false }: { readonly durable?: boolean } = {},
): Promise<PostgresServer> {
  const programs = binaries();
  if (programs === undefined) throw new Error(String(noPostgres));
  const folder = mkdtempSync(join(tmpdir(), "postern-pg-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  if (isRoot) chownSync(folder, nobody, nobody);
  chmodSync(folder, 0o700);
  const data = join(folder, "data");
  const made = spawnSync(
    join(programs, "initdb"),
    ["-D", data, "-A", "trust", "-U", "postern", "--no-sync", "-E", "UTF8", "--locale=C"],
    { encoding: "utf8", cwd: folder, ...(isRoot && { uid: nobody, gid: nobody }) },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const server = new RunningServer({
    program: join(programs, "postgres"),
    folder,
    data,
    settings: durable ? [] : ["fsync=off"],
  });
  t.teardown(() => server.stop());
  await server.start();
  return server;
}

class RunningServer implements PostgresServer {
  readonly folder: string;
  readonly #program: string;
  readonly #data: string;
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;
  #databaseCount = 0;

  constructor(of: {
    readonly program: string;
    readonly folder: string;
    readonly data: string;
    readonly settings: readonly string[];
  }) {
    this.#settings = of.settings;
    this.#program = of.program;
    this.folder = of.folder;
    this.#data = of.data;
  }

  async start(): Promise<void> {
    // Ends with us, however we end: a server that is left behind would hold its memory for ever.
    const bound = ["--pdeathsig", "QUIT"];
    const user = isRoot ? ["--reuid", `${nobody}`, "--regid", `${nobody}`, "--clear-groups"] : [];
    const settings = ["listen_addresses=", "max_connections=40", ...this.#settings];
    const parameters = ["-D", this.#data, "-k", this.folder];
    const started = spawn(
      "setpriv",
      [
        ...bound,
        ...user,
        this.#program,
        ...parameters,
        ...settings.flatMap((setting) => ["-c", setting]),
      ],
      { stdio: ["ignore", "ignore", "pipe"], cwd: this.folder },
    );
    this.#process = started;
    let said = "";
    for await (const line of createInterface({ input: started.stderr })) {
      said += `${line}\n`;
      if (line.includes("ready to accept connections")) {
        started.stderr.resume();
        return;
      }
    }
    throw new Error(`the PostgreSQL server did not start:\n${said}`);
  }

  async stop(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const gone = once(running, "exit");
    running.kill("SIGINT");
    await gone;
  }

  async newDatabase(): Promise<string> {
    this.#databaseCount += 1;
    const name = `site_${this.#databaseCount}`;
    const client = new pg.Client({ host: this.folder, user: "postern", database: "postgres" });
    await client.connect();
    await client.query(`create database ${name}`);
    await client.end();
    return `postgres://postern@localhost/${name}?host=${encodeURIComponent(this.folder)}`;
  }
}
