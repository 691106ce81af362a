// `npm run native [-- --strict] [-- --arch ARCH --out FOLDER]` compiles what is written in C. Plain
// JavaScript, because set-up runs it before anything that could compile anything else is there.
//
// Without --out each goes to `build/` beside its source, when that is absent or older. With --out all
// go to FOLDER/linux-ARCH, as a package ships them: `CC=aarch64-linux-gnu-gcc npm run native --
// --arch arm64 --out prebuilds`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const repositoryRoot = fileURLToPath(new URL("..", import.meta.url));

/**
 * An addon is loaded by Node, against N-API alone: one binary serves every Node from 20. A program
 * runs without Node.
 *
 * @type {readonly import("./native.mjs").NativeSource[]}
 */
export const nativeSources = [
  {
    kind: "addon",
    source: "hal/linux/gpio/gpio.c",
    others: ["edges.c"],
    output: "postern_gpio.node",
  },
  { kind: "addon", source: "hal/linux/system/system.c", output: "postern_system.node" },
  { kind: "program", source: "hal/linux/secure/secure.c", output: "postern-secure" },
];

const commonFlags = [
  ...["-std=gnu11", "-O2", "-g0", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wvla"],
  // Some distributions predefine it, and a second definition is a warning.
  ...["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-fstack-protector-strong"],
  ...["-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"],
];
const kindFlags = {
  addon: ["-fPIC", "-shared", "-fvisibility=hidden", "-DNAPI_VERSION=8"],
  program: ["-fPIE", "-pie"],
};

/**
 * Where everything that can be compiled here is.
 *
 * @param {string} [root]
 */
export function isNativeBuilt(root = repositoryRoot) {
  return outdated(root).length === 0;
}

/** @param {string} root */
function outdated(root) {
  if (process.platform !== "linux") return [];
  return nativeSources.filter(({ source, output }) => {
    const folder = join(root, dirname(source));
    if (!existsSync(join(root, source))) return false;
    const built = statSync(join(folder, "build", output), { throwIfNoEntry: false });
    const parts = readdirSync(folder).filter((name) => /\.[ch]$/.test(name));
    // This file holds the flags.
    const files = [fileURLToPath(import.meta.url), ...parts.map((name) => join(folder, name))];
    const changedMs = Math.max(...files.map((file) => statSync(file).mtimeMs));
    return built === undefined || built.mtimeMs < changedMs;
  });
}

/**
 * Compiles what is outdated, or everything. Returns what went wrong, in words for the person at the
 * keyboard: nothing of it keeps the simulated board from running.
 *
 * @param {import("./native.mjs").NativeBuild} [options]
 * @returns {string[]}
 */
export function buildNative({ root = repositoryRoot, force = false, strict = false, into } = {}) {
  const sources =
    force || into !== undefined
      ? nativeSources.filter(({ source }) => existsSync(join(root, source)))
      : outdated(root);
  if (process.platform !== "linux" || sources.length === 0) return [];
  const [compiler = "cc", ...before] = (process.env.CC ?? "cc").split(" ").filter(Boolean);
  if (spawnSync(compiler, ["--version"], { stdio: "ignore" }).error !== undefined) {
    const outputs = sources.map(({ output }) => output).join(", ");
    return [
      `no C compiler (${compiler}): ${outputs} not compiled, so a real board cannot be driven from ` +
        "here. On Debian: apt-get install gcc libc6-dev; the simulated board needs none.",
    ];
  }
  const complaints = [];
  for (const { kind, source, others = [], output } of sources) {
    const folder = into ?? join(root, dirname(source), "build");
    mkdirSync(folder, { recursive: true });
    // Another process may be loading the old one, or compiling too: it appears whole or not at all.
    const unfinished = join(folder, `.${output}.${process.pid}`);
    const { status, stderr, error } = spawnSync(
      compiler,
      [
        ...before,
        ...commonFlags,
        ...kindFlags[kind],
        ...(strict ? ["-Werror"] : []),
        ...["-I", join(root, "node_modules", "node-api-headers", "include")],
        ...["-o", unfinished, join(root, source)],
        ...others.map((name) => join(root, dirname(source), name)),
      ],
      { encoding: "utf8" },
    );
    if (status === 0) renameSync(unfinished, join(folder, output));
    else {
      rmSync(unfinished, { force: true });
      complaints.push(`${basename(source)} does not compile:\n${error?.message ?? stderr.trim()}`);
    }
  }
  return complaints;
}

function main() {
  const { values } = parseArgs({
    options: {
      arch: { type: "string" },
      out: { type: "string" },
      strict: { type: "boolean", default: false },
    },
  });
  const { arch = process.arch, out, strict } = values;
  if (out === undefined && arch !== process.arch) {
    process.stderr.write("native: --arch of another machine needs --out FOLDER\n");
    return 2;
  }
  const into = out === undefined ? undefined : join(out, `linux-${arch}`);
  const complaints = buildNative({ strict, into, force: strict });
  for (const complaint of complaints) process.stderr.write(`native: ${complaint}\n`);
  return complaints.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) process.exitCode = main();
