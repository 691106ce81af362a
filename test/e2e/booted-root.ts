import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type DebianRoot, type RunOptions, spawnForRoot, untilEnd } from "./debian-root.ts";
import { eventually } from "./stack.ts";

/**
 * A Debian root whose own systemd runs as process 1: in namespaces of its own, a network with nothing but its
 * loopback included, on this machine's kernel. What it lacks of a machine: udev and its devices, limits by
 * cgroup of memory, processor and tasks, and the rights to load a module or set the clock.
 */
export interface BootedRoot extends DebianRoot {
  /** Ends all of its processes at once, as a power cut does. */
  cutPower(): Promise<void>;
}

/** Why no systemd can be process 1 of anything here, or false. */
export function bootSkip(): string | false {
  return unifiedCgroup() === undefined ? "no cgroup v2 to run a systemd in" : false;
}

const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"];

/**
 * What a container's manager does before it starts a systemd. /sys and /proc/sys belong to the machine, of
 * which the root is a guest.
 */
const boot = `
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do
  touch dev/$name
  mount --bind /dev/$name dev/$name
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
pivot_root . .
umount -l .
lost=-sys_module,-sys_time,-sys_boot,-sys_rawio,-syslog
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  setpriv --bounding-set "$lost" /lib/systemd/systemd
`;

/** Resolves when its start is over. Throws with what systemd thinks of it where that is not "running". */
export async function bootRoot(root: DebianRoot): Promise<BootedRoot> {
  const cgroup = join(unifiedCgroup() ?? "", `postern-package-${process.pid}-${Date.now()}`);
  mkdirSync(cgroup);
  // systemd makes one here at its first start.
  writeFileSync(join(root.folder, "etc/machine-id"), "");
  const script = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
  const enter = ["setpriv", "--pdeathsig", "KILL", "unshare", ...namespaces, "--fork"];
  const inside = ["--kill-child", "sh", "-c", boot, "sh", root.folder];
  const child = spawn("sh", ["-c", script, cgroup, ...enter, ...inside], { stdio: "pipe" });
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const cutPower = async () => {
    await end(child);
    await eventually("its cgroups are empty", async () => removeCgroup(cgroup));
  };
  try {
    const first = await eventually("systemd is process 1", async () => {
      if (child.exitCode !== null) throw new Error(output);
      return systemdOf(child);
    });
    const start = async (command: readonly string[], options: RunOptions = {}) => {
      const { env, user } = options;
      const as = user === undefined ? [] : ["runuser", "-u", user, "--"];
      const enter = ["nsenter", "--target", String(first), ...namespaces];
      return spawnForRoot([...enter, ...as, ...command], env);
    };
    const run = async (command: readonly string[], options?: RunOptions) =>
      untilEnd(await start(command, options));
    await eventually("systemd answers", async () => {
      const { output: said } = await run(["systemctl", "is-system-running", "--wait"]);
      if (said.trim() === "running") return true;
      throw new Error(said);
    });
    return { folder: root.folder, run, start, cutPower, remove: () => root.remove() };
  } catch (error) {
    await cutPower();
    throw error;
  }
}

/** This process's own part of the tree that systemd can do with, whatever else is mounted beside it. */
function unifiedCgroup(): string | undefined {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const mount = mounts.map((line) => line.split(" ")).find(([, , type]) => type === "cgroup2")?.[1];
  const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
  return mount === undefined || own === undefined ? undefined : join(mount, own);
}

/** As this machine numbers it; undefined as long as it is only on its way there. */
function systemdOf({ pid }: ChildProcess): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  const [first = ""] = children;
  if (first === "") return undefined;
  const name = readFileSync(`/proc/${first}/comm`, "utf8").trim();
  return name === "systemd" ? Number(first) : undefined;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  // With it goes process 1 of its namespace, and with that all others.
  child.kill("SIGKILL");
  await gone;
}

function removeCgroup(folder: string): true {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
  }
  rmdirSync(folder);
  return true;
}
