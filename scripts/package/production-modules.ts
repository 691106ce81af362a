import { PackageError } from "./run-command.ts";

/** What we read of `package-lock.json`. */
export interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Named as dependencies by what ships, and of use only to install or compile it. What they need in turn
 * stays out with them.
 */
const installOnly: readonly RegExp[] = [
  /^prebuild-install$/,
  /^nan$/,
  /^node-addon-api$/,
  /^@types\//,
  // Of the Bluetooth libraries: what compiles them, and what is for macOS and Windows.
  /^(node-gyp|@mapbox\/node-pre-gyp|patch-package|xpc-connect|bplist-parser|usb)$/,
  /^napi-thread-safe-callback$/,
];

/** What a package loads for a purpose that is none of ours. Here: adapters behind a serial line of their own. */
const unusedOf: Readonly<Record<string, readonly string[]>> = {
  "node_modules/@stoprocent/bluetooth-hci-socket": ["serialport", "async"],
};

/**
 * The folders of all packages that the program may load, as `node_modules/mqtt/node_modules/lru-cache`,
 * sorted. Found by walking what depends on what, and not by npm's own mark for development, which also
 * has what only installs. Throws `PackageError` for a dependency that the lock file does not have.
 */
export function productionModules(lock: LockFile): readonly string[] {
  const found = new Set<string>();
  const waiting = [""];
  for (let from = waiting.pop(); from !== undefined; from = waiting.pop()) {
    const { dependencies = {}, optionalDependencies = {} } = lock.packages[from] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (installOnly.some((pattern) => pattern.test(name))) continue;
      if (unusedOf[from]?.includes(name) === true) continue;
      const folder = resolveModule(lock, from, name);
      if (folder === undefined) {
        if (name in optionalDependencies) continue;
        throw new PackageError(`package-lock.json: "${from}" needs ${name}, which is not there`);
      }
      if (found.has(folder)) continue;
      found.add(folder);
      waiting.push(folder);
    }
  }
  return [...found].sort();
}

/** As Node looks for it: in each `node_modules` on the way up. */
function resolveModule(lock: LockFile, from: string, name: string): string | undefined {
  for (let folder = from; ; ) {
    const candidate = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (candidate in lock.packages) return candidate;
    if (folder === "") return undefined;
    const above = folder.lastIndexOf("/node_modules/");
    folder = above < 0 ? "" : folder.slice(0, above);
  }
}

const loadedPattern = /\.(js|cjs|mjs|json)$/;
/** Every licence asks to go along with the program. */
const licencePattern = /^(licen[cs]e|copying|notice)[^/]*$/i;
const idleFolders: ReadonlySet<string> = new Set([
  ...["test", "tests", "__tests__", "integration-test", "example", "examples", "doc", "docs"],
  ...["bench", "benchmark", "benchmarks", "coverage", "deps", "prebuilds"],
  ...[".github", ".vscode", "scripts"],
]);

/**
 * Whether a file of a package goes along, by its path in the package. Not what describes, tests or
 * compiles it; and no addon, each of which is chosen by machine elsewhere.
 */
export function isShipped(path: string): boolean {
  const parts = path.split("/");
  const [top = ""] = parts;
  const name = parts.at(-1) ?? "";
  if (parts.length > 1 && idleFolders.has(top)) return false;
  if (licencePattern.test(name)) return true;
  if (/^(tsconfig.*|package-lock|\..*|.*\.config)\.(json|c?js|mjs)$/.test(name)) return false;
  return loadedPattern.test(name) && !/\.(test|spec)\.[cm]?js$/.test(name);
}
