// `npm run package -- --arch amd64|arm64|all [--out FOLDER] [--version VERSION] [--compression xz|none]`
// builds Debian packages, for this machine's architecture or another's.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Architecture, architectures, toolsFor } from "./package/architecture.ts";
import { buildDeb, type DebOptions } from "./package/build-deb.ts";
import { bundledNode } from "./package/bundled-node.ts";
import { compiledAddon, nativePackages } from "./package/native-packages.ts";
import { layOutTree } from "./package/package-tree.ts";
import { PackageError, runCommand } from "./package/run-command.ts";
import { repositoryRoot, setUpOrExit } from "./setup.mjs";

const cache = join(repositoryRoot, ".cache", "package");

interface Order {
  readonly wanted: readonly Architecture[];
  readonly out: string;
  readonly version: string;
  readonly compression: DebOptions["compression"];
}

function readOrder(): Order {
  const { values } = parseArgs({
    options: {
      arch: { type: "string", default: "all" },
      out: { type: "string", default: "packages" },
      version: { type: "string", default: ownVersion() },
      compression: { type: "string", default: "xz" },
    },
  });
  const { arch, out, version, compression } = values;
  const wanted = architectures.filter(({ debian }) => arch === "all" || arch === debian);
  if (wanted.length === 0) throw new PackageError(`--arch: expected amd64, arm64 or all: ${arch}`);
  if (compression !== "xz" && compression !== "none") {
    throw new PackageError(`--compression: expected xz or none: ${compression}`);
  }
  if (!/^[0-9][A-Za-z0-9.+~]*$/.test(version)) {
    throw new PackageError(
      `--version: expected digits first, then letters, digits, ".+~": ${version}`,
    );
  }
  return { wanted, out: resolve(repositoryRoot, out), version, compression };
}

function ownVersion(): string {
  const text = readFileSync(join(repositoryRoot, "package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** The time that every file of a package has: of the sources, not of this build. */
function sourceDateEpoch(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  const text =
    given ??
    execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: repositoryRoot, encoding: "utf8" });
  const seconds = Number(text);
  if (!Number.isSafeInteger(seconds) || text.trim() === "") {
    throw new PackageError(`SOURCE_DATE_EPOCH: expected seconds since 1970: ${text}`);
  }
  return seconds;
}

function packageFor(architecture: Architecture, { out, version, compression }: Order): string {
  const nodeFolder = bundledNode(architecture, cache);
  const work = mkdtempSync(join(tmpdir(), "postern-package-"));
  try {
    runCommand(
      process.execPath,
      ["scripts/native.mjs", "--arch", architecture.node, "--out", join(work, "native")],
      { cwd: repositoryRoot, env: { ...process.env, CC: toolsFor(architecture).cc } },
    );
    const nativeFolder = join(work, "native", `linux-${architecture.node}`);
    const compiled = readdirSync(nativeFolder).map((name) => join(nativeFolder, name));
    runCommand(toolsFor(architecture).strip, ["--strip-unneeded", ...compiled], {
      from: "binutils",
    });
    const addons = new Map(
      nativePackages.map((native) => [
        native.name,
        compiledAddon({
          native,
          architecture,
          nodeFolder,
          modulesFolder: join(repositoryRoot, "node_modules"),
          cache,
        }),
      ]),
    );
    const root = join(work, "root");
    mkdirSync(root);
    layOutTree(root, {
      architecture,
      version,
      nodeFolder,
      nativeFolder,
      addonOf: (name) => {
        const file = addons.get(name);
        if (file === undefined) throw new Error(`${name} was not compiled`);
        return file;
      },
    });
    mkdirSync(out, { recursive: true });
    const file = join(out, `postern_${version}_${architecture.debian}.deb`);
    const epoch = sourceDateEpoch();
    buildDeb({ root, file, architecture, version, sourceDateEpoch: epoch, compression });
    return file;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  try {
    const order = readOrder();
    await setUpOrExit({ build: true });
    for (const architecture of order.wanted) {
      process.stdout.write(`${packageFor(architecture, order)}\n`);
    }
    return 0;
  } catch (error) {
    // parseArgs throws a TypeError for an option that there is not.
    if (!(error instanceof PackageError || error instanceof TypeError)) throw error;
    process.stderr.write(`package: ${error.message}\n`);
    return 1;
  }
}

process.exitCode = await main();
