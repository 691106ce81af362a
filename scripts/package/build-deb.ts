import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../setup.mjs";
import type { Architecture } from "./architecture.ts";
import { filesOf, maintainer } from "./package-tree.ts";
import { runCommand } from "./run-command.ts";
import { libraryPackages } from "./shared-libraries.ts";

export interface DebOptions {
  /** What unpacks to `/`; gets its `DEBIAN` folder. */
  readonly root: string;
  readonly file: string;
  readonly architecture: Architecture;
  readonly version: string;
  /** Of every file in it, in seconds since 1970. */
  readonly sourceDateEpoch: number;
  /** `none` is for tests: the other takes a minute of which Node is the most. */
  readonly compression: "xz" | "none";
}

/** The same tree makes the same bytes, whoever makes it and when. */
export function buildDeb(options: DebOptions): void {
  const { root, file, sourceDateEpoch, compression } = options;
  const shipped = filesOf(root);
  const control = join(root, "DEBIAN");
  mkdirSync(control, { mode: 0o755 });
  const write = (name: string, text: string) =>
    writeFileSync(join(control, name), text, { mode: 0o644 });
  write("control", controlFile(options, shipped));
  write(
    "md5sums",
    shipped
      .filter((path) => !path.startsWith("etc/"))
      .map(sumLine(root))
      .join(""),
  );
  const conffiles = shipped.filter((path) => path.startsWith("etc/"));
  write("conffiles", conffiles.map((path) => `/${path}\n`).join(""));
  for (const script of ["postinst", "prerm", "postrm"]) {
    copyFileSync(join(repositoryRoot, "scripts/package/debian", script), join(control, script));
    chmodSync(join(control, script), 0o755);
  }
  evenOut(root, sourceDateEpoch);
  // Compressing takes minutes: what is cut off in them must not look like a package.
  const unfinished = `${file}.unfinished`;
  runCommand("dpkg-deb", ["--root-owner-group", `-Z${compression}`, "--build", root, unfinished], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(sourceDateEpoch) },
    from: "dpkg",
  });
  renameSync(unfinished, file);
}

function controlFile(
  { root, architecture, version }: DebOptions,
  shipped: readonly string[],
): string {
  const machineCode = shipped.filter((path) => /(\.node|\/node|\/postern-secure)$/.test(path));
  const libraries = libraryPackages(machineCode.map((path) => join(root, path)));
  const depends = ["passwd", "systemd", "udev", ...libraries].sort();
  const kibibytes = shipped.reduce(
    (sum, path) => sum + Math.ceil(lstatSync(join(root, path)).size / 1024),
    0,
  );
  return [
    "Package: postern",
    `Version: ${version}`,
    `Architecture: ${architecture.debian}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${kibibytes}`,
    `Depends: ${depends.join(", ")}`,
    // Time limits are judged by a clock that somebody keeps.
    "Recommends: systemd-timesyncd | time-daemon",
    "Section: net",
    "Priority: optional",
    "Description: door controller, and the site service that issues passes to it",
    " Decides who comes in at the doors of this machine: reads cards and PINs, drives",
    " strikes, and tells its site what happened. Decides from a table that the site",
    " signed, with or without a network.",
    " .",
    " The site's service comes along, and is not enabled.",
    " .",
    " Brings the Node.js that it runs on.",
    "",
  ].join("\n");
}

function sumLine(root: string): (path: string) => string {
  return (path) => {
    const sum = createHash("md5")
      .update(readFileSync(join(root, path)))
      .digest("hex");
    return `${sum}  ${path}\n`;
  };
}

/** What a checkout or a copy leaves to chance: folders' modes and everything's time. */
function evenOut(root: string, sourceDateEpoch: number): void {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" });
  for (const path of ["", ...paths].map((each) => join(root, each))) {
    if (lstatSync(path).isDirectory()) chmodSync(path, 0o755);
    lutimesSync(path, sourceDateEpoch, sourceDateEpoch);
  }
}
