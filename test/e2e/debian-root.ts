import {
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
  spawn,
  spawnSync,
} from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { repositoryRoot } from "../../scripts/setup.mjs";

/** What the package depends on, so that `dpkg` alone installs it. */
const included = "systemd,udev,libstdc++6,passwd,init-system-helpers";
const emulator = "/usr/bin/qemu-aarch64-static";

export type RootArchitecture = "amd64" | "arm64";

/** A clean Debian 12, in a folder of its own, that commands run in as if it were the whole machine. */
export interface DebianRoot {
  /** Of this machine. */
  readonly folder: string;
  run(command: readonly string[], options?: RunOptions): Promise<RunOutcome>;
  /** Runs until it is killed. */
  start(command: readonly string[], options?: RunOptions): Promise<ChildProcess>;
  remove(): void;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Of the root; root where none is named. */
  readonly user?: string;
  /** Folders of this machine, by where the root has them. */
  readonly binds?: Readonly<Record<string, string>>;
}

export interface RunOutcome {
  readonly code: number | null;
  readonly output: string;
}

/** Why packages cannot be tried here, or false. It takes minutes, so it wants to be asked for. */
export function packagesSkip(file: string, architecture: RootArchitecture): string | false {
  if (process.env["POSTERN_PACKAGES"] !== "1") {
    return `takes minutes: POSTERN_PACKAGES=1 npm test -- ${file}`;
  }
  if (process.getuid?.() !== 0) return "needs root, for chroot and mmdebstrap";
  const programs = [
    ["mmdebstrap", "mmdebstrap"],
    ["dpkg-deb", "dpkg"],
    ["unshare", "util-linux"],
    ...(architecture === "amd64"
      ? []
      : [
          [emulator, "qemu-user-static"],
          ["arch-test", "arch-test"],
          ["aarch64-linux-gnu-g++", "g++-aarch64-linux-gnu"],
        ]),
  ] as const;
  for (const [program = "", from] of programs) {
    if (spawnSync(program, ["--version"], { stdio: "ignore" }).error !== undefined) {
      return `no ${program}: apt-get install ${from}`;
    }
  }
  return false;
}

/** Throws where it cannot be made. The first of an architecture takes minutes, the next are copies of it. */
export async function createDebianRoot(architecture: RootArchitecture): Promise<DebianRoot> {
  const archive = await rootArchive(architecture);
  const folder = mkdtempSync(join(tmpdir(), `postern-root-${architecture}-`));
  const unpacked = spawnSync("tar", ["-xf", archive, "-C", folder], { encoding: "utf8" });
  if (unpacked.status !== 0) throw new Error(`${archive}: ${unpacked.stderr}`);
  const start = (command: readonly string[], options: RunOptions = {}) =>
    startInside(architecture, enterRoot(folder, command, options), options.env);
  return {
    folder,
    start,
    run: async (command, options) => untilEnd(await start(command, options)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function rootArchive(architecture: RootArchitecture): Promise<string> {
  const file = join(repositoryRoot, `.cache/package/debian-12-${architecture}.tar`);
  if (existsSync(file)) return file;
  mkdirSync(join(file, ".."), { recursive: true });
  const unfinished = `${file}.${process.pid}.tar`;
  const { code, output } = await untilEnd(
    await startInside(architecture, [
      ...["mmdebstrap", "--mode=root", "--variant=minbase", `--architectures=${architecture}`],
      ...[`--include=${included}`, "bookworm", unfinished],
    ]),
  );
  if (code !== 0) throw new Error(`mmdebstrap ended with ${code}:\n${output}`);
  renameSync(unfinished, file);
  return file;
}

/** The command line that runs `command` in the root. Mounts of it are seen by nobody else, and end with it. */
function enterRoot(
  folder: string,
  command: readonly string[],
  { user, binds = {} }: RunOptions,
): readonly string[] {
  const mounts = Object.entries({ "/proc": "/proc", "/dev": "/dev", ...binds }).map(
    ([inside, outside]) => {
      mkdirSync(join(folder, inside), { recursive: true });
      return `mount --rbind '${outside}' '${folder}${inside}'`;
    },
  );
  const enter = user === undefined ? "" : `--userspec=${user}:${user}`;
  const script = [...mounts, `exec chroot ${enter} '${folder}' "$@"`].join(" && ");
  return ["unshare", "--mount", "sh", "-c", script, "sh", ...command];
}

/**
 * Starts a command of this machine that runs programs of another. The kernel is told which emulator runs
 * them in a user namespace of its own, where every user is who he is: nothing outside of it changes.
 */
async function startInside(
  architecture: RootArchitecture,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  if (architecture === "amd64") return spawnForRoot(command, env);
  const child = spawnForRoot(
    [
      ...["unshare", "--user", "--mount", "sh", "-c"],
      ...[`echo; read go; exec sh -c '${emulate}' sh "$@"`, "sh", ...command],
    ],
    env,
  );
  // It says its word from within its namespace, which has to be filled from outside.
  await once(child.stdout, "data");
  for (const kind of ["uid", "gid"]) {
    writeFileSync(`/proc/${child.pid}/${kind}_map`, "0 0 4294967295\n");
  }
  child.stdin.write("go\n");
  return child;
}

/**
 * Starts a command of this machine that runs programs of a root, with nothing of this process's environment. A
 * runner of tests would put itself into the NODE_OPTIONS of whatever is spawned, and the root has no such file.
 */
export function spawnForRoot(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcessWithoutNullStreams {
  return spawn("env", ["-u", "NODE_OPTIONS", ...command], {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", ...env },
    cwd: "/",
    stdio: "pipe",
  });
}

/** An ELF of 64 bits for AArch64, as in Debian's qemu-user-static. F: the emulator is opened here, and is not in the root. */
const magic = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
const mask = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;
const emulate = [
  "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc",
  `printf %s ":qemu-aarch64:M::${magic}:${mask}:${emulator}:F" > /proc/sys/fs/binfmt_misc/register`,
  'exec "$@"',
].join(" && ");

/** What it wrote, to both of its outputs, until all of it has ended. */
export async function untilEnd(child: ChildProcess): Promise<RunOutcome> {
  let output = "";
  const take = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout?.on("data", take);
  child.stderr?.on("data", take);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}
