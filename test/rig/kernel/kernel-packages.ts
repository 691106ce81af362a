import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { changed, gpioSimChanges, irqSimChanges } from "./gpio-sim-changes.ts";
import { RigMissing } from "./missing-parts.ts";
import { tool } from "./tool.ts";

/** Debian's kernel, unpacked and never installed, with gpio-sim and the rig's own chips built beside it. */
export interface GuestKernel {
  /** As `6.12.117+deb12-amd64`. */
  readonly version: string;
  /** Its files as they would be installed, below this folder. */
  readonly root: string;
  readonly image: string;
  readonly modules: readonly string[];
}

/**
 * 6.12 is in Debian 13 and, for security, in 12. Not the cloud flavour: it has no 9p.
 * https://packages.debian.org/search?keywords=linux-image-6.12-amd64
 */
const metaPackages = ["linux-image-6.12-amd64", "linux-image-amd64"];

/** Modules whose source is here, beside the two files of the kernel's own. */
const ownModules = ["rig-i2c"];

/** Builds or finds it, in `folder`. Needs the network the first time: some 270 MB of packages. */
export async function prepareKernel(options: {
  readonly folder: string;
  readonly sources: string;
  readonly say: (text: string) => void;
}): Promise<GuestKernel> {
  const { folder, sources, say } = options;
  const versionFile = join(folder, "version");
  if (!existsSync(versionFile)) await unpack(folder, say);
  const version = (await readFile(versionFile, "utf8")).trim();
  const root = join(folder, "root");
  const modules = await buildModules({ folder, sources, root, version });
  return { version, root, image: join(root, "boot", `vmlinuz-${version}`), modules };
}

async function unpack(folder: string, say: (text: string) => void): Promise<void> {
  const debs = join(folder, "debs");
  await mkdir(debs, { recursive: true });
  // apt downloads as another user where it can.
  await chmod(debs, 0o755);
  const version = await kernelVersion();
  const plain = version.replace(/-amd64$/, "");
  const wanted = [
    `linux-image-${version}`,
    `linux-headers-${version}`,
    `linux-headers-${plain}-common`,
    `linux-kbuild-${plain}`,
    `linux-source-${version.split(".").slice(0, 2).join(".")}`,
  ];
  say(`downloading Debian's kernel ${version}: some 270 MB, once`);
  await tool("apt-get", ["download", "-q", ...wanted], { cwd: debs }).catch((cause: Error) => {
    throw new RigMissing(`the kernel's packages cannot be downloaded: ${cause.message}`);
  });
  const files = (await readdir(debs)).filter((file) => file.endsWith(".deb"));
  const fileOf = (name: string) => {
    const file = files.find((candidate) => candidate.startsWith(`${name}_`));
    if (file === undefined) throw new Error(`apt-get downloaded no ${name}`);
    return join(debs, file);
  };
  say("unpacking it, and the source of gpio-sim: some 40 s, once");
  const root = join(folder, "root");
  await rm(root, { recursive: true, force: true });
  for (const name of wanted.slice(0, -1)) await tool("dpkg", ["-x", fileOf(name), root]);
  // Its links are to where it would be installed.
  const relink =
    'find "$1" -type l | while read -r link; do target=$(readlink "$link"); ' +
    'case $target in /usr/*|/lib/*) ln -sfn "$1$target" "$link";; esac; done';
  await tool("sh", ["-c", relink, "sh", root]);
  const makefile = join(root, "usr/src", `linux-headers-${version}`, "Makefile");
  const text = await readFile(makefile, "utf8");
  await writeFile(makefile, text.replaceAll(" /usr/src/", ` ${root}/usr/src/`));
  await tool("depmod", ["-b", root, version]);
  await takeSources({ folder, deb: fileOf(wanted.at(-1) ?? "") });
  await rm(debs, { recursive: true, force: true });
  await writeFile(join(folder, "version"), `${version}\n`);
}

async function kernelVersion(): Promise<string> {
  for (const meta of metaPackages) {
    const depends = await tool("apt-cache", ["depends", meta]).catch(() => "");
    const version = /Depends: linux-image-(6\.12\S*-amd64)$/m.exec(depends)?.[1];
    if (version !== undefined) return version;
  }
  throw new RigMissing("apt knows no kernel 6.12 (has apt-get update been run?)");
}

/** No Debian kernel has GPIO_SIM: its two files come out of the distribution's kernel source. */
async function takeSources({ folder, deb }: { folder: string; deb: string }): Promise<void> {
  const taken = join(folder, "source");
  await mkdir(taken, { recursive: true });
  const name = /(linux-source-[0-9.]+)_/.exec(deb)?.[1] ?? "";
  const files = ["drivers/gpio/gpio-sim.c", "kernel/irq/irq_sim.c"].map(
    (file) => `${name}/${file}`,
  );
  const script =
    'dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/$2.tar.xz" | ' +
    'tar -xJ -C "$3" --strip-components=3 "$4" "$5"';
  await tool("bash", ["-o", "pipefail", "-c", script, "bash", deb, name, taken, ...files]);
}

async function buildModules(options: {
  readonly folder: string;
  readonly sources: string;
  readonly root: string;
  readonly version: string;
}): Promise<readonly string[]> {
  const { folder, sources, root, version } = options;
  const build = join(folder, "modules");
  const outputs = ["rig-gpio-sim", ...ownModules].map((name) => join(build, `${name}.ko`));
  const wanted = await moduleSources(folder, sources);
  const stampFile = join(build, "stamp");
  const stamp = JSON.stringify([version, wanted]);
  const before = existsSync(stampFile) ? await readFile(stampFile, "utf8") : "";
  if (before === stamp) return outputs;
  await rm(build, { recursive: true, force: true });
  await mkdir(build, { recursive: true });
  for (const [file, text] of Object.entries(wanted)) await writeFile(join(build, file), text);
  const target = `lib/modules/${version}/build`;
  const kernelBuild = [join(root, target), join(root, "usr", target)].find(existsSync);
  await tool("make", [
    "-s",
    "-C",
    kernelBuild ?? target,
    `M=${build}`,
    "CONFIG_DEBUG_INFO_BTF_MODULES=",
    "modules",
  ]);
  await Promise.all(outputs.map((file) => tool("strip", ["--strip-debug", file])));
  await writeFile(stampFile, stamp);
  return outputs;
}

async function moduleSources(folder: string, sources: string): Promise<Record<string, string>> {
  const taken = (file: string) => readFile(join(folder, "source", file), "utf8");
  const gpioSim = changed(await taken("gpio-sim.c"), gpioSimChanges);
  const irqSim = changed(await taken("irq_sim.c"), irqSimChanges);
  const own = await Promise.all(
    ownModules.map(async (name) => [
      `${name}.c`,
      await readFile(join(sources, `${name}.c`), "utf8"),
    ]),
  );
  return {
    "gpio-sim.c": gpioSim,
    "irq_sim.c": irqSim,
    ...Object.fromEntries(own),
    Makefile:
      `obj-m := rig-gpio-sim.o ${ownModules.map((name) => `${name}.o`).join(" ")}\n` +
      "rig-gpio-sim-y := gpio-sim.o irq_sim.o\n",
  };
}
