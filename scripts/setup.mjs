// Plain JavaScript, because this is what installs everything that could compile anything else.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildNative, isNativeBuilt } from "./native.mjs";
import { acquireLock } from "./set-up-lock.mjs";

export const repositoryRoot = fileURLToPath(new URL("..", import.meta.url));

const nodeVersionMin = [20, 19];
const progressEveryMs = 12_000;
const failureLinesMax = 60;

/** What is wrong with the machine or the sources, in words for the person at the keyboard. */
export class SetUpError extends Error {
  name = "SetUpError";
}

/**
 * Installs what the lock file names, compiles what is written in C and, if asked, `src` and `hal` into
 * `dist`. Does nothing that has been done; safe when several commands start at once. Throws
 * `SetUpError`; but where C cannot be compiled it says so and goes on.
 *
 * @param {{ build: boolean, root?: string }} options
 * @returns {Promise<void>}
 */
export async function setUp({ build, root = repositoryRoot }) {
  const complaint = nodeComplaint(process.versions.node);
  if (complaint !== undefined) throw new SetUpError(complaint);
  if (isReady({ root, build })) return;
  const release = await acquireLock(join(root, ".cache", "set-up.lock"), () =>
    say("waiting for the set-up of another command"),
  );
  try {
    // What was compiled for another machine goes with its packages.
    const force = !isInstalled(root);
    if (force) await install(root);
    for (const complaint of buildNative({ root, force })) say(complaint);
    if (build && !isBuilt(root)) await compile(root);
  } finally {
    release();
  }
}

/**
 * For a command: set up, or say why not and end the process without a stack trace.
 *
 * @param {{ build: boolean }} options
 */
export async function setUpOrExit(options) {
  try {
    await setUp(options);
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    process.stderr.write(`postern: ${error.message}\n`);
    process.exit(1);
  }
}

/** @param {{ root: string, build: boolean }} options */
function isReady({ root, build }) {
  return isInstalled(root) && isNativeBuilt(root) && (!build || isBuilt(root));
}

/**
 * @param {string} version
 * @returns {string | undefined}
 */
export function nodeComplaint(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [majorMin = 0, minorMin = 0] = nodeVersionMin;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return undefined;
  return `Node ${nodeVersionMin.join(".")} or newer is needed; this is Node ${version}.`;
}

/** @param {string} root */
function installStampFile(root) {
  return join(root, "node_modules", ".postern-set-up");
}

/**
 * Native packages are compiled for one Node ABI, so the stamp holds it beside the lock file's hash.
 *
 * @param {string} root
 */
function installStamp(root) {
  const lockHash = sha256(readFileSync(join(root, "package-lock.json")));
  return `${lockHash} abi ${process.versions.modules} ${process.platform} ${process.arch}\n`;
}

/** @param {string} root */
function isInstalled(root) {
  return readIfPresent(installStampFile(root)) === installStamp(root);
}

/** @param {string} root */
async function install(root) {
  const missing = missingBuildTools();
  say("installing the packages of package-lock.json: about 2 minutes the first time");
  if (missing.length > 0) {
    say(`${missing.join(", ")} not found: needed if a native package has to be compiled here`);
  }
  const started = Date.now();
  let { status, output } = await runNpm(root, "ci");
  if (status !== 0 && /npm error code EUSAGE/.test(output)) {
    // `npm ci` wants the optional packages of every platform in the lock file. npm leaves out those
    // that a registry's mirror does not carry; what the lock file does name still holds here.
    rmSync(join(root, "node_modules"), { recursive: true, force: true });
    ({ status, output } = await runNpm(root, "install", "--no-save"));
  }
  if (status !== 0) throw new SetUpError(installFailure({ output, missing }));
  await checkNativePackages(root);
  writeFileSync(installStampFile(root), installStamp(root));
  say(`packages installed in ${seconds(Date.now() - started)}`);
}

/**
 * @param {string} root
 * @param {string[]} verb
 */
function runNpm(root, ...verb) {
  return runWithProgress({
    ...npmCommand([...verb, "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"]),
    cwd: root,
    env: installEnvironment(process.env),
    what: "installing packages",
  });
}

/**
 * The environment for npm. NODE_ENV=production, or npm's own `omit` inherited from the command
 * that started us, would leave out the compiler.
 *
 * @param {NodeJS.ProcessEnv} environment
 * @returns {NodeJS.ProcessEnv}
 */
export function installEnvironment(environment) {
  const kept = { ...environment };
  for (const name of Object.keys(kept)) {
    if (/^(node_env|npm_config_(omit|only|production|prefix|local_prefix))$/i.test(name)) {
      delete kept[name];
    }
  }
  return kept;
}

/** @param {{ output: string, missing: readonly string[] }} failure */
export function installFailure({ output, missing }) {
  const reason =
    missing.length > 0
      ? `Packages could not be installed, and ${missing.join(", ")} cannot be found. Native ` +
        "packages are compiled where no ready-made one fits: install python3, make and a C++ " +
        "compiler (on Debian: apt-get install python3 make g++), then run the command again."
      : "Packages could not be installed; npm's last words are above.";
  return `${lastLines(output, failureLinesMax)}\n\n${reason}`;
}

/**
 * npm skips install scripts when told to by its configuration and still succeeds; the package then
 * fails on first use with a puzzling message, so it is tried now.
 *
 * @param {string} root
 */
async function checkNativePackages(root) {
  const { status, output } = await runWithProgress({
    command: process.execPath,
    parameters: ["-e", 'new (require("better-sqlite3"))(":memory:").close()'],
    cwd: root,
    env: process.env,
    what: "trying better-sqlite3",
  });
  if (status === 0) return;
  throw new SetUpError(
    `${lastLines(output, failureLinesMax)}\n\nbetter-sqlite3 was installed but does not load. ` +
      "If npm is configured with ignore-scripts, allow scripts for this project.",
  );
}

/**
 * @param {string} [searchPath]
 * @returns {string[]}
 */
export function missingBuildTools(searchPath = process.env.PATH ?? "") {
  const missing = ["python3", "make"].filter((tool) => !isOnPath(tool, searchPath));
  const compilers = [process.env.CXX, "g++", "c++", "clang++"];
  if (!compilers.some((compiler) => compiler && isOnPath(compiler, searchPath))) {
    missing.push("a C++ compiler (g++)");
  }
  return missing;
}

/**
 * @param {string} tool
 * @param {string} searchPath
 */
function isOnPath(tool, searchPath) {
  const file = /** @type {string} */ (tool.split(" ")[0]);
  const candidates = file.includes("/")
    ? [file]
    : searchPath.split(delimiter).map((folder) => join(folder, file));
  return candidates.some((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}

/**
 * The npm that started us where there is one: `npm` on PATH may belong to another Node.
 *
 * @param {string[]} parameters
 */
function npmCommand(parameters) {
  const npmFile = process.env.npm_execpath;
  if (npmFile?.endsWith("npm-cli.js") && existsSync(npmFile)) {
    return { command: process.execPath, parameters: [npmFile, ...parameters] };
  }
  return { command: "npm", parameters };
}

/** @param {string} root */
function buildStampFile(root) {
  return join(root, "dist", ".postern-built");
}

/**
 * One line for each source, so that comparing the stamps also shows which sources are gone.
 *
 * @param {string} root
 */
function buildStamp(root) {
  const lines = ["tsconfig.json", "package-lock.json"].map((file) => fileMark(root, file));
  for (const folder of ["src", "hal"]) {
    if (!existsSync(join(root, folder))) continue;
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })) {
      if (/\.(ts|json)$/.test(file)) lines.push(fileMark(root, join(folder, file)));
    }
  }
  return `${lines.sort().join("\n")}\n`;
}

/**
 * @param {string} root
 * @param {string} file
 */
function fileMark(root, file) {
  // A file may vanish between the listing and now while an editor saves it.
  const stat = statSync(join(root, file), { throwIfNoEntry: false });
  return `${file} ${stat?.size ?? "gone"} ${stat?.mtimeMs ?? ""}`;
}

/** @param {string} root */
function isBuilt(root) {
  return readIfPresent(buildStampFile(root)) === buildStamp(root);
}

/** @param {string} root */
async function compile(root) {
  say("compiling: some 10 seconds");
  const started = Date.now();
  const stamp = buildStamp(root);
  dropStaleOutput(root, stamp);
  const { status, output } = await runWithProgress({
    command: process.execPath,
    parameters: [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", "src"],
    cwd: root,
    env: process.env,
    what: "compiling",
  });
  if (status !== 0) {
    throw new SetUpError(`${lastLines(output, failureLinesMax)}\n\nThe sources do not compile.`);
  }
  writeFileSync(buildStampFile(root), stamp);
  say(`compiled in ${seconds(Date.now() - started)}`);
}

/**
 * tsc's incremental memory believes that what it once wrote is still there, and never deletes the
 * output of a source that is gone.
 *
 * @param {string} root
 * @param {string} stamp
 */
function dropStaleOutput(root, stamp) {
  const before = readIfPresent(buildStampFile(root));
  const sources = new Set(stamp.split("\n").map((line) => line.split(" ")[0]));
  const isSourceGone = before?.split("\n").some((line) => !sources.has(line.split(" ")[0]));
  if (before !== undefined && !isSourceGone) return;
  rmSync(join(root, "dist"), { recursive: true, force: true });
  rmSync(join(root, ".cache", "build.tsbuildinfo"), { force: true });
  mkdirSync(join(root, "dist"), { recursive: true });
}

/**
 * Runs to the end with its output kept for the day it fails, and a sign of life meanwhile.
 *
 * @param {{ command: string, parameters: string[], cwd: string, env: NodeJS.ProcessEnv, what: string }} run
 * @returns {Promise<{ status: number, output: string }>}
 */
function runWithProgress({ command, parameters, cwd, env, what }) {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const child = spawn(command, parameters, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString()).slice(-200_000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const progress = setInterval(() => {
      say(`still ${what}, ${seconds(Date.now() - started)}`);
    }, progressEveryMs);
    // Else Ctrl-C, or a supervisor's TERM, would leave npm running on its own.
    const stop = (/** @type {NodeJS.Signals} */ signal) => {
      child.kill(signal);
      process.exit(signal === "SIGINT" ? 130 : 143);
    };
    const done = () => {
      clearInterval(progress);
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
    child.on("error", (error) => {
      done();
      reject(new SetUpError(`${command} could not be started: ${error.message}`));
    });
    child.on("close", (status) => {
      done();
      resolve({ status: status ?? 1, output });
    });
  });
}

/** @param {string} text */
function say(text) {
  // To standard error: `npm run --silent bench -- --json` must leave nothing but JSON on the other.
  process.stderr.write(`postern: ${text}\n`);
}

/** @param {number} ms */
function seconds(ms) {
  return `${Math.round(ms / 1000)} s`;
}

/** @param {string} file */
function readIfPresent(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** @param {Buffer} bytes */
function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * @param {string} text
 * @param {number} countMax
 */
function lastLines(text, countMax) {
  return text.trimEnd().split("\n").slice(-countMax).join("\n");
}
