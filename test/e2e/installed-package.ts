import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { DebianRoot } from "./debian-root.ts";

/** For the bundled Node's `-e`: loads each addon as the program does. */
export const loadAddons = `
  const load = require("module").createRequire("/usr/lib/postern/dist/src/main.js");
  const database = new (load("better-sqlite3"))(":memory:");
  if (database.prepare("select 6 * 7 as answer").get().answer !== 42) throw new Error("SQLite");
  for (const name of ["i2c-bus", "epoll", "onoff", "serialport"]) load(name);
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
