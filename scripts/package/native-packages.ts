import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type Architecture, toolsFor } from "./architecture.ts";
import { nodeVersion } from "./bundled-node.ts";
import { PackageError, runCommand } from "./run-command.ts";

/** A package of npm with an addon that node-gyp compiles, and where its code looks for it. */
export interface NativePackage {
  readonly name: string;
  readonly addon: string;
  /** For node-gyp, beside the usual ones. */
  readonly flags?: readonly string[];
}

/** serialport and @stoprocent's are not among them: they come with addons for every machine. */
export const nativePackages: readonly NativePackage[] = [
  { name: "better-sqlite3", addon: "build/Release/better_sqlite3.node" },
  { name: "i2c-bus", addon: "build/Release/i2c.node" },
  { name: "epoll", addon: "build/Release/epoll.node" },
  {
    name: "@abandonware/bluetooth-hci-socket",
    addon: "build/Release/bluetooth_hci_socket.node",
    // node-pre-gyp would give these, from its package.json.
    flags: ["--module_name=bluetooth_hci_socket", "--module_path=lib/binding"],
  },
];

/**
 * Compiles a package's addon for the Node that is bundled, and returns the file, from `cache` where it was
 * compiled before. The one in node_modules is of no use: it is for the Node and the machine that run this.
 */
export function compiledAddon(options: {
  readonly native: NativePackage;
  readonly architecture: Architecture;
  readonly nodeFolder: string;
  readonly modulesFolder: string;
  readonly cache: string;
}): string {
  const { native, architecture, nodeFolder, modulesFolder, cache } = options;
  const source = join(modulesFolder, native.name);
  const version = packageVersion(source);
  const place = `${native.name}-${version}-node-${nodeVersion}-${architecture.node}.node`;
  const file = join(cache, "addons", place);
  if (existsSync(file)) return file;
  const { cc, cxx, ar, strip } = toolsFor(architecture);
  // The same path each time, and none of this machine's: file names may end up in the addon.
  const root = join(cache, "compiling", architecture.node);
  const folder = join(root, "node_modules", native.name);
  rmSync(folder, { recursive: true, force: true });
  cpSync(source, folder, {
    recursive: true,
    filter: (path) => path !== join(source, "build"),
  });
  // Both include headers of it, and ask for its folder by require().
  cpSync(join(modulesFolder, "nan"), join(root, "node_modules", "nan"), { recursive: true });
  runCommand(
    process.execPath,
    [
      nodeGyp(),
      "rebuild",
      `--arch=${architecture.node}`,
      `--nodedir=${nodeFolder}`,
      "--jobs=2",
      "--loglevel=error",
      ...(native.flags ?? []),
    ],
    {
      cwd: folder,
      env: { ...withoutNpm(process.env), CC: cc, CXX: cxx, AR: ar, LINK: cxx, V: "0" },
    },
  );
  const built = join(folder, native.addon);
  runCommand(strip, ["--strip-unneeded", built], { from: "binutils" });
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(built, `${file}.${process.pid}`);
  renameSync(`${file}.${process.pid}`, file);
  rmSync(folder, { recursive: true, force: true });
  return file;
}

/**
 * node-gyp takes npm's settings from the environment before its own arguments: where somebody's npm is told of
 * a Node's headers, the addon would be for that Node, and be no use in the one that is bundled.
 */
function withoutNpm(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_/i.test(name)));
}

function packageVersion(folder: string): string {
  const text = readFileSync(join(folder, "package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** The one that comes with npm. */
function nodeGyp(): string {
  const given = process.env["npm_config_node_gyp"];
  if (given !== undefined && existsSync(given)) return given;
  const globalModules = runCommand("npm", ["root", "--global"]).trim();
  const file = join(globalModules, "npm/node_modules/node-gyp/bin/node-gyp.js");
  if (!existsSync(file)) throw new PackageError(`no node-gyp: neither npm's, nor in ${file}`);
  return file;
}
