import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import t from "tap";
import { architectures } from "../../../scripts/package/architecture.ts";
import { buildDeb } from "../../../scripts/package/build-deb.ts";
import { checkIntegrity } from "../../../scripts/package/bundled-node.ts";
import { nativePackages } from "../../../scripts/package/native-packages.ts";
import {
  isShipped,
  type LockFile,
  productionModules,
} from "../../../scripts/package/production-modules.ts";
import { neededLibraries } from "../../../scripts/package/shared-libraries.ts";
import { parseControllerConfig } from "../../../src/compose/config/controller-config.ts";
import { parseSiteConfig } from "../../../src/compose/config/site-config.ts";
import { temporaryFolder } from "../controller/journal-records.ts";

const ownFolder = "scripts/package/debian";

t.test("what only tests, compiles or installs stays out of the package", async (t) => {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as LockFile;
  const modules = productionModules(lock);
  for (const name of ["mqtt", "aedes", "better-sqlite3", "i2c-bus", "epoll", "serialport"]) {
    t.ok(modules.includes(`node_modules/${name}`), name);
  }
  for (const name of ["tap", "typescript", "fast-check", "nan", "prebuild-install", "tar-fs"]) {
    t.notOk(modules.includes(`node_modules/${name}`), name);
  }
  for (const name of ["@abandonware/bleno", "@abandonware/noble", "@stoprocent/bleno"]) {
    t.ok(modules.includes(`node_modules/${name}`), name);
  }
  const compilers = /node-gyp$|node-pre-gyp|patch-package|xpc-connect|\/usb$|socket\/.*serialport/;
  t.same(
    modules.filter((folder) => compilers.test(folder)),
    [],
  );
  t.ok(modules.includes("node_modules/mqtt/node_modules/lru-cache"), "its own, beside ours");
});

t.test(
  "each package that is compiled when it is installed has an addon in the package",
  async (t) => {
    const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as LockFile;
    const compiled = productionModules(lock).filter(
      (folder) => existsSync(join(folder, "binding.gyp")) && !existsSync(join(folder, "prebuilds")),
    );
    // These compile something on macOS and Windows alone.
    const empty = ["@abandonware/bleno", "@abandonware/noble"];
    const expected = [...empty, ...nativePackages.map(({ name }) => name)];
    t.same(compiled, expected.map((name) => `node_modules/${name}`).sort());
  },
);

t.test("a dependency that the lock file lacks is named", async (t) => {
  const lock = { packages: { "": { dependencies: { absent: "1" } } } };
  t.throws(() => productionModules(lock), /needs absent/);
  t.same(productionModules({ packages: { "": { optionalDependencies: { absent: "1" } } } }), []);
});

t.test("of a package what is loaded goes along, and its licence", async (t) => {
  for (const path of ["index.js", "dist/esm/a.mjs", "package.json", "LICENSE", "lib/LICENCE.md"]) {
    t.ok(isShipped(path), path);
  }
  for (const path of [
    ...["README.md", "index.d.ts", "index.js.map", "src/addon.cc", "test/index.js", "docs/a.js"],
    ...["deps/sqlite3/sqlite3.c", "build/Release/i2c.node", "prebuilds/linux-x64/a.node"],
    ...["tsconfig.json", ".eslintrc.json", "lib/reader.test.js"],
  ]) {
    t.notOk(isShipped(path), path);
  }
});

t.test("libraries are read with the newest version of their symbols", async (t) => {
  const dump = `
 0x0000000000000001 (NEEDED)             Shared library: [libstdc++.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [libgcc_s.so.1]
Version needs section '.gnu.version_r' contains 2 entries:
  000000: Version: 1  File: libstdc++.so.6  Cnt: 2
  0x0010:   Name: GLIBCXX_3.4.21  Flags: none  Version: 28
  0x0020:   Name: GLIBCXX_3.4.9  Flags: none  Version: 27
  0x0030: Version: 1  File: libc.so.6  Cnt: 2
  0x0040:   Name: GLIBC_2.4  Flags: none  Version: 9
  0x0050:   Name: GLIBC_2.17  Flags: none  Version: 8
`;
  t.same(neededLibraries(dump), [
    { library: "libstdc++.so.6", version: "3.4.21" },
    { library: "libc.so.6", version: "2.17" },
    { library: "libgcc_s.so.1", version: "" },
  ]);
});

t.test("a Node of other bytes than those that were chosen is refused", async (t) => {
  const file = join(temporaryFolder(t), "node.tgz");
  writeFileSync(file, "");
  const nothing =
    "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
  t.doesNotThrow(() => checkIntegrity(file, nothing));
  writeFileSync(file, "x");
  t.throws(() => checkIntegrity(file, nothing), /not what was asked for/);
});

const skipDeb =
  spawnSync("dpkg-deb", ["--version"]).error === undefined &&
  spawnSync("readelf", ["--version"]).error === undefined
    ? false
    : "no dpkg-deb, or no readelf: apt-get install dpkg binutils";

t.test("one tree makes one package, whenever it is made", { skip: skipDeb }, async (t) => {
  const [architecture] = architectures;
  if (architecture === undefined) throw new Error("no architecture");
  const make = (mode: number, madeAt: number) => {
    const root = t.testdir({
      etc: { postern: { "a.toml": "" } },
      usr: { lib: { "b.js": "b", node_modules: { "c.js": "c" } } },
    });
    chmodSync(join(root, "usr/lib"), mode);
    utimesSync(join(root, "usr/lib/b.js"), madeAt, madeAt);
    const file = join(temporaryFolder(t), "one.deb");
    const made = { root, file, architecture, version: "1.0", sourceDateEpoch: 1_763_700_000 };
    buildDeb({ ...made, compression: "none" });
    return file;
  };
  const first = make(0o755, 1_000_000_000);
  t.ok(readFileSync(first).equals(readFileSync(make(0o775, 1_700_000_000))));
  const { stdout } = spawnSync("dpkg-deb", ["--contents", first], { encoding: "utf8" });
  t.ok(
    stdout
      .trim()
      .split("\n")
      .every((line) => / root\/root /.test(line)),
    stdout,
  );
  const control = spawnSync("dpkg-deb", ["--info", first, "conffiles"], { encoding: "utf8" });
  t.equal(control.stdout, "/etc/postern/a.toml\n");
  const sums = spawnSync("dpkg-deb", ["--info", first, "md5sums"], { encoding: "utf8" });
  t.equal(
    sums.stdout,
    "92eb5ffee6ae2fec3ad71c777531578f  usr/lib/b.js\n4a8a08f09d37b73795649038408b5f33  usr/lib/node_modules/c.js\n",
    "each file that is nobody's to change",
  );
});

t.test("the configurations that are installed are taken, as those of their services", async (t) => {
  const read = (file: string) => ({ file, text: readFileSync(file, "utf8"), env: {} });
  const folderOf = (unit: string) =>
    /^WorkingDirectory=(.*)$/m.exec(readFileSync(`systemd/${unit}.service`, "utf8"))?.[1];
  const controller = parseControllerConfig(read("config/controller-linux.toml"));
  t.match(controller, { ok: true, value: { stateDir: folderOf("postern-controller") } });
  if (controller.ok) t.ok(existsSync(controller.value.board.profileFile), "installed beside it");
  const stateDir = folderOf("postern-site");
  const site = parseSiteConfig(read("config/site-linux.toml"));
  t.match(site, { ok: true, value: { stateDir, siteFile: `${stateDir}/site-file.toml` } });
});

t.test("each verb finds the state of the service that it is about", async (t) => {
  const text = readFileSync(join(ownFolder, "postern"), "utf8");
  const shown = text.replace(/^exec .*$/m, 'echo "$POSTERN_STATE_DIR"');
  const stateFor = (args: readonly string[], env: Record<string, string> = {}) =>
    spawnSync("sh", ["-uc", shown, "postern", ...args], { env, encoding: "utf8" }).stdout.trim();
  t.equal(stateFor(["site", "provision", "door-1"]), "/var/lib/postern-site");
  t.equal(stateFor(["status"]), "/var/lib/postern");
  t.equal(stateFor(["explain", "--door", "site"]), "/var/lib/postern");
  t.equal(stateFor([]), "/var/lib/postern");
  t.equal(stateFor(["site", "tables"], { POSTERN_STATE_DIR: "/else" }), "/else");
});

t.test("maintainer scripts are sh, and the man page names every verb", async (t) => {
  for (const name of ["postinst", "prerm", "postrm", "postern"]) {
    const { status, stderr } = spawnSync("sh", ["-n", join(ownFolder, name)], { encoding: "utf8" });
    t.equal(status, 0, stderr);
  }
  const verbsOf = (...command: readonly string[]) => {
    const help = spawnSync(
      process.execPath,
      ["--import=tsx", "src/main.ts", ...command, "--help"],
      {
        encoding: "utf8",
      },
    );
    const verbs = [...help.stdout.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, verb = ""]) => verb);
    return verbs.filter((verb) => !["up", "help"].includes(verb));
  };
  const [verbs, siteVerbs] = [verbsOf(), verbsOf("site")];
  t.ok(verbs.includes("status") && siteVerbs.includes("provision"), "help lists the verbs");
  const page = readFileSync(join(ownFolder, "postern.8"), "utf8").replaceAll("\\-", "-");
  for (const verb of verbs) t.match(page, new RegExp(`\\b${verb}\\b`), verb);
  for (const verb of siteVerbs)
    t.match(page, new RegExp(`^\\.BI? site\\\\? ${verb}\\b`, "m"), verb);
});
