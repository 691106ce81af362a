import { existsSync } from "node:fs";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { acquireLock } from "../../../scripts/set-up-lock.mjs";
import { type GuestKernel, prepareKernel } from "./kernel-packages.ts";
import { tool } from "./tool.ts";

/** What QEMU starts, and the programs that run in there. */
export interface GuestImage {
  readonly kernel: string;
  readonly initramfs: string;
  /** Holds `wires` and `load`. The guest sees it under the same path. */
  readonly programs: string;
}

const sources = import.meta.dirname;

/**
 * Kernel modules by the group that `rig.groups` names, in an order that works; whatever each needs is
 * loaded before it.
 */
const moduleGroups: Readonly<Record<string, readonly string[]>> = {
  base: ["9pnet_virtio", "9p", "overlay", "configfs", "virtio_rng"],
  net: ["virtio_net"],
  disk: ["virtio_blk", "crc32c_generic", "ext4"],
  i2c: ["i2c-dev"],
  watchdog: ["i6300esb"],
  softdog: ["softdog"],
  systemd: ["autofs4"],
  // The emulator of controllers takes its ciphers from the kernel's sockets.
  bluetooth: ["af_alg", "algif_skcipher", "algif_hash", "cmac", "hci_vhci"],
};

/** Ours: the group of each, by file name. */
const ownModuleGroups: Readonly<Record<string, string>> = {
  "rig-gpio-sim.ko": "base",
  "rig-i2c.ko": "i2c",
};

/** All of busybox that `init` calls. */
const busyboxNames = ["sh", "tr", "mount", "insmod", "cat", "echo", "mkdir", "ln", "chroot", "ip"];
const initNames = [...busyboxNames, "poweroff", "switch_root"];

const programs = ["wires", "load"];

/**
 * Builds what is missing or out of date in `folder` (`.rig`, which outlives runs) and says what it is
 * at. Safe when several start at once. Throws with what the machine lacks.
 */
export async function prepareGuestImage(options: {
  readonly folder: string;
  readonly say: (text: string) => void;
}): Promise<GuestImage> {
  const { folder, say } = options;
  await mkdir(folder, { recursive: true });
  const release = await acquireLock(join(folder, "build.lock"), () =>
    say("waiting for another command that builds the guest"),
  );
  try {
    const kernel = await prepareKernel({ folder: join(folder, "kernel"), sources, say });
    const image = join(folder, "image");
    await mkdir(image, { recursive: true });
    await buildPrograms(image);
    return {
      kernel: kernel.image,
      initramfs: await buildInitramfs(kernel, image),
      programs: image,
    };
  } finally {
    release();
  }
}

async function buildPrograms(folder: string): Promise<void> {
  for (const name of programs) {
    const text = await readFile(join(sources, `${name}.c`), "utf8");
    const copy = join(folder, `${name}.c`);
    if (existsSync(join(folder, name)) && (await readIfThere(copy)) === text) continue;
    const flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"];
    await tool("cc", [...flags, "-o", `${join(folder, name)}.new`, join(sources, `${name}.c`)]);
    await rename(`${join(folder, name)}.new`, join(folder, name));
    await writeFile(copy, text);
  }
}

async function buildInitramfs(kernel: GuestKernel, folder: string): Promise<string> {
  const init = await readFile(join(sources, "init"), "utf8");
  const own = await Promise.all(kernel.modules.map((file) => readFile(file, "base64")));
  const stamp = JSON.stringify([kernel.version, init, own, moduleGroups]);
  const output = join(folder, "initramfs.cpio.gz");
  if (existsSync(output) && (await readIfThere(`${output}.stamp`)) === stamp) return output;
  const tree = await mkdtemp(join(tmpdir(), "postern-rig-"));
  try {
    await fillTree(tree, kernel);
    await writeFile(join(tree, "init"), init);
    await chmod(join(tree, "init"), 0o755);
    const pack = 'cd "$1" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 > "$2"';
    await tool("sh", ["-c", pack, "sh", tree, `${output}.new`]);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
  await rename(`${output}.new`, output);
  await writeFile(`${output}.stamp`, stamp);
  return output;
}

async function fillTree(tree: string, kernel: GuestKernel): Promise<void> {
  const folders = ["bin", "proc", "sys", "dev", "new", "lower", "scratch", "modules"];
  for (const name of folders) await mkdir(join(tree, name));
  const busybox = (await tool("sh", ["-c", "command -v busybox"])).trim();
  await copyFile(busybox, join(tree, "bin/busybox"));
  for (const name of initNames) await symlink("busybox", join(tree, "bin", name));
  // A module that two groups need is loaded with either.
  const groupsOf = new Map<string, string[]>();
  for (const [group, names] of Object.entries(moduleGroups)) {
    for (const name of names) {
      for (const file of await dependencies(kernel, name)) {
        const plain = basename(file).replace(/\.(xz|zst|gz)$/, "");
        const groups = groupsOf.get(plain);
        if (groups === undefined) await unpackModule(file, join(tree, "modules", plain));
        groupsOf.set(plain, [...(groups ?? []), group]);
      }
    }
  }
  for (const file of kernel.modules) {
    await copyFile(file, join(tree, "modules", basename(file)));
    groupsOf.set(basename(file), [ownModuleGroups[basename(file)] ?? "base"]);
  }
  const order = [...groupsOf].map(([file, groups]) => `${groups.join(",")} ${file}\n`);
  await writeFile(join(tree, "modules/order"), order.join(""));
}

/** The module's file last, after those that it needs. */
async function dependencies(kernel: GuestKernel, name: string): Promise<readonly string[]> {
  const options = ["-d", kernel.root, "-S", kernel.version, "--show-depends", name];
  const lines = (await tool("modprobe", options)).split("\n");
  return lines.flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []);
}

async function unpackModule(file: string, to: string): Promise<void> {
  const unpack = file.endsWith(".xz") ? "xz -dc" : file.endsWith(".zst") ? "zstd -dc" : "cat";
  await tool("sh", ["-c", `${unpack} "$1" > "$2" && strip --strip-debug "$2"`, "sh", file, to]);
}

async function readIfThere(file: string): Promise<string | undefined> {
  return existsSync(file) ? readFile(file, "utf8") : undefined;
}
