import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { repositoryRoot } from "../setup.mjs";
import type { Architecture } from "./architecture.ts";
import { nativePackages } from "./native-packages.ts";
import { isShipped, type LockFile, productionModules } from "./production-modules.ts";
import { PackageError } from "./run-command.ts";

const ownFolder = "scripts/package/debian";
const programFolder = "usr/lib/postern";
const documentFolder = "usr/share/doc/postern";

export interface TreeParts {
  readonly architecture: Architecture;
  readonly version: string;
  /** Of the bundled Node. */
  readonly nodeFolder: string;
  /** Ours in C, compiled for the architecture. */
  readonly nativeFolder: string;
  /** The addon of one of `nativePackages`, compiled for the architecture. */
  readonly addonOf: (name: string) => string;
}

/** Where each file of systemd/ goes, as its README says. */
const serviceFiles: readonly (readonly [from: string, to: string])[] = [
  ["systemd/postern-controller.service", "usr/lib/systemd/system/postern-controller.service"],
  ["systemd/postern-site.service", "usr/lib/systemd/system/postern-site.service"],
  ["systemd/postern.sysusers.conf", "usr/lib/sysusers.d/postern.conf"],
  ["systemd/60-postern.rules", "usr/lib/udev/rules.d/60-postern.rules"],
  ["systemd/postern.modules-load.conf", "usr/lib/modules-load.d/postern.conf"],
  ["systemd/postern-watchdog.conf", "usr/lib/systemd/system.conf.d/50-postern-watchdog.conf"],
  [`${ownFolder}/postern.tmpfiles.conf`, "usr/lib/tmpfiles.d/postern.conf"],
  [
    `${ownFolder}/provisioned.conf`,
    "usr/lib/systemd/system/postern-controller.service.d/50-provisioned.conf",
  ],
];

const documents: readonly (readonly [from: string, to: string])[] = [
  [`${ownFolder}/copyright`, "copyright"],
  ["config/README.md", "config/README.md"],
  ["config/boards/README.md", "config/boards/README.md"],
  ["systemd/README.md", "systemd/README.md"],
  ["systemd/sysfs-driver.conf", "examples/sysfs-driver.conf"],
  ["systemd/61-postern-sysfs.rules", "examples/61-postern-sysfs.rules"],
  ["systemd/bluetooth.conf", "examples/bluetooth.conf"],
  ["config/controller.toml", "examples/demo/controller.toml"],
  ["config/boards/sim.toml", "examples/demo/boards/sim.toml"],
  ["config/site.toml", "examples/demo/site.toml"],
  ["config/demo-site.toml", "examples/demo/demo-site.toml"],
];

/** Lays out in `root` what the package unpacks to `/`, from the compiled program. */
export function layOutTree(root: string, parts: TreeParts): void {
  const put = (from: string, to: string, mode = 0o644) => {
    const source = from.startsWith("/") ? from : join(repositoryRoot, from);
    const target = join(root, to);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(source, target);
    chmodSync(target, mode);
  };
  putProgram(root, parts, put);
  putModules(parts, put);
  for (const [from, to] of serviceFiles) put(from, to);
  put(`${ownFolder}/postern`, "usr/bin/postern", 0o755);
  put(`${ownFolder}/lintian-overrides`, "usr/share/lintian/overrides/postern");
  for (const [from, to] of documents) put(from, `${documentFolder}/${to}`);
  putCompressed(root, "usr/share/man/man8/postern.8.gz", manPage(parts.version));
  putCompressed(root, `${documentFolder}/changelog.gz`, changelog(parts.version));
  put("config/controller-linux.toml", "etc/postern/controller.toml");
  put("config/site-linux.toml", "etc/postern/site.toml");
  for (const name of readdirSync(join(repositoryRoot, "config/boards")).sort()) {
    if (name.endsWith(".toml")) put(`config/boards/${name}`, `etc/postern/boards/${name}`);
  }
  // So the program's own defaults name the files that are meant.
  symlinkSync("/etc/postern", join(root, programFolder, "config"));
}

type Put = (from: string, to: string, mode?: number) => void;

function putProgram(root: string, parts: TreeParts, put: Put): void {
  const { architecture, version, nodeFolder, nativeFolder } = parts;
  for (const folder of ["dist/src", "dist/hal"]) {
    for (const file of filesOf(join(repositoryRoot, folder))) {
      if (/\.js$/.test(file)) put(`${folder}/${file}`, `${programFolder}/${folder}/${file}`);
    }
  }
  put(join(nodeFolder, "bin/node"), `${programFolder}/node/bin/node`, 0o755);
  put(join(nodeFolder, "LICENSE"), `${programFolder}/node/LICENSE`);
  for (const file of filesOf(nativeFolder)) {
    const isAddon = file.endsWith(".node");
    const folder = isAddon ? `prebuilds/linux-${architecture.node}/` : "";
    put(join(nativeFolder, file), `${programFolder}/${folder}${file}`, isAddon ? 0o644 : 0o755);
  }
  const { name, type, license } = readJson<Record<string, string>>("package.json");
  const description = `${JSON.stringify({ name, version, type, license }, undefined, 2)}\n`;
  writeFileSync(join(root, programFolder, "package.json"), description, { mode: 0o644 });
}

function putModules({ architecture, addonOf }: TreeParts, put: Put): void {
  for (const folder of productionModules(readJson<LockFile>("package-lock.json"))) {
    const source = join(repositoryRoot, folder);
    // Optional, and not for this machine.
    if (!existsSync(source)) continue;
    for (const file of filesOf(source)) {
      // Of the modules within, each is a package by itself.
      if (/(^|\/)node_modules\//.test(file)) continue;
      if (isShipped(file)) put(join(source, file), `${programFolder}/${folder}/${file}`);
    }
    const name = folder.replace(/^.*node_modules\//, "");
    const native = nativePackages.find((one) => one.name === name);
    if (native !== undefined) put(addonOf(name), `${programFolder}/${folder}/${native.addon}`);
    putPrebuilt(folder, architecture, put);
  }
}

/** Addons that a package brings ready-made: this machine's, for the C library that Debian has. */
function putPrebuilt(folder: string, { node }: Architecture, put: Put): void {
  const prebuilds = `${folder}/prebuilds/linux-${node}`;
  if (!existsSync(join(repositoryRoot, prebuilds))) return;
  const fitting = filesOf(join(repositoryRoot, prebuilds)).filter((file) => !/musl/.test(file));
  if (fitting.length === 0) throw new PackageError(`${prebuilds}: no addon for glibc`);
  for (const file of fitting) put(`${prebuilds}/${file}`, `${programFolder}/${prebuilds}/${file}`);
}

/** All files below `folder`, by their path in it, sorted. */
export function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => lstatSync(join(folder, path)).isFile())
    .sort();
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(join(repositoryRoot, file), "utf8")) as T;
}

function putCompressed(root: string, path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  // zlib writes no time into it.
  writeFileSync(file, gzipSync(text, { level: 9 }), { mode: 0o644 });
}

function manPage(version: string): string {
  const text = readFileSync(join(repositoryRoot, ownFolder, "postern.8"), "utf8");
  return text.replaceAll("@VERSION@", version);
}

/** Debian wants one; what changed is in the project's own history. */
function changelog(version: string): string {
  return [
    `postern (${version}) unstable; urgency=medium`,
    "",
    "  * Built from the project's sources; its commits say what changed.",
    "",
    ` -- ${maintainer}  Thu, 01 Jan 1970 00:00:00 +0000`,
    "",
  ].join("\n");
}

export const maintainer = "The Postern authors <maintainers@postern.example>";
