import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { DebianRoot } from "./debian-root.ts";

/** For the bundled Node's `-e`: loads each addon as the program does. */
export const loadAddons = `
  const load = require("module").createRequire("/usr/lib/postern/dist/src/main.js");
  const database = new (load("better-sqlite3"))(":memory:");
  if (database.prepare("select 6 * 7 as answer").get().answer !== 42) throw new Error("SQLite");
  for (const name of ["i2c-bus", "epoll", "onoff", "serialport"]) load(name);
  for (const name of ["@abandonware", "@stoprocent"]) load(name + "/bluetooth-hci-socket");
  const ours = "/usr/lib/postern/prebuilds/linux-" + process.arch;
  for (const file of require("fs").readdirSync(ours)) load(ours + "/" + file);
  console.log("loaded", process.version);
`;

/** Returns what dpkg and the package's own scripts said. */
export async function installPackage(t: Test, root: DebianRoot, file: string): Promise<string> {
  copyFileSync(file, join(root.folder, "root/postern.deb"));
  const { code, output } = await root.run(["dpkg", "--force-confold", "-i", "/root/postern.deb"]);
  t.equal(code, 0, output);
  return output;
}

/** What a command in the root wrote, or with which code it failed. */
export async function said(root: DebianRoot, ...command: readonly string[]): Promise<string> {
  const { code, output } = await root.run(command);
  return code === 0 ? output.trim() : `ended with ${code}: ${output}`;
}

/** Files of the root that its package knows by these names. */
export const demo = "/usr/share/doc/postern/examples/demo";
export const keysFile = "/var/lib/postern/provision.json";
/** What its configurations call this controller, whose keys go to the standard output. */
export const provision = ["postern", "site", "provision", "door-1", "--out", "-"] as const;

/** What an installer writes into /etc/postern: a simulated board, and the site's own broker. */
export function configureServices(root: DebianRoot): void {
  const broker = "mqtt://127.0.0.1:8323";
  edit(root, "etc/postern/controller.toml", [
    ['"ntp"', '"trusted"'],
    ['"linux"', '"sim"'],
    ["boards/raspberry-pi.toml", "boards/sim.toml"],
    ["mqtts://broker.example:8883", broker],
  ]);
  edit(root, "etc/postern/site.toml", [['url = "mqtt://127.0.0.1:1883"', "port = 8323"]]);
}

/** The demonstration's doors and people, by the names of the installed configurations, put where they say. */
export async function putSiteFile(t: Test, root: DebianRoot): Promise<void> {
  const renamed = 's/^site = "demo"/site = "main"/; s/controller = "demo"/controller = "door-1"/';
  const file = "/var/lib/postern-site/site-file.toml";
  const put = `sed '${renamed}' ${demo}/demo-site.toml | ${becomes("postern-site")} ${file}`;
  t.equal(await said(root, "sh", "-c", put), "");
}

/** As systemd/README.md says, on one machine. */
export async function bringKeys(t: Test, root: DebianRoot): Promise<void> {
  const bring = `runuser -u postern-site -- ${provision.join(" ")} | ${becomes("postern")} ${keysFile}`;
  t.equal(await said(root, "sh", "-c", bring), "");
  t.equal(await said(root, "stat", "-c", "%U:%G %a", keysFile), "postern:postern 600");
}

/** Followed by where to: what comes through a pipe becomes a file of this user's alone. */
const becomes = (user: string) => `install -o ${user} -g ${user} -m 600 /dev/stdin`;

function edit(
  root: DebianRoot,
  path: string,
  changes: readonly (readonly [from: string, to: string])[],
): void {
  const file = join(root.folder, path);
  let text = readFileSync(file, "utf8");
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${path} has no ${from}`);
    text = text.replace(from, to);
  }
  writeFileSync(file, text);
}
