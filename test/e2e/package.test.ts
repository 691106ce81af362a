import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { builtPackage, nextPackage } from "./built-package.ts";
import { createDebianRoot, type DebianRoot, packagesSkip } from "./debian-root.ts";
import { demo, installPackage, loadAddons, said } from "./installed-package.ts";
import { openPorts, serveDoor, stop } from "./packaged-door.ts";

const skip = packagesSkip("test/e2e/package.test.ts", "amd64");

const units = ["postern-controller.service", "postern-site.service"];

/** Without it deb-systemd-helper does nothing. */
const asDpkg = "DPKG_MAINTSCRIPT_PACKAGE=postern";

function filesIn(file: string): readonly string[] {
  const { stdout } = spawnSync("sh", ["-c", 'dpkg-deb --fsys-tarfile "$0" | tar -t', file], {
    encoding: "utf8",
  });
  return stdout.trim().split("\n");
}

/** Each file of the state, by its content. Sockets have none. */
function stateOf(root: DebianRoot): Record<string, string> {
  const folder = join(root.folder, "var/lib");
  const files = ["postern", "postern-site"]
    .flatMap((state) =>
      readdirSync(join(folder, state), { recursive: true, encoding: "utf8" }).map((path) =>
        join(state, path),
      ),
    )
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort();
  const hash = (path: string) =>
    createHash("sha256")
      .update(readFileSync(join(folder, path)))
      .digest("hex");
  return Object.fromEntries(files.map((path) => [path, hash(path)]));
}

/** Everything of ours that the root still has, and dpkg does not count as its own. */
function remains(root: DebianRoot): readonly string[] {
  return ["etc", "usr", "var/lib", "run"]
    .flatMap((top) =>
      readdirSync(join(root.folder, top), { recursive: true, encoding: "utf8" }).map(
        (path) => `/${top}/${path}`,
      ),
    )
    .filter((path) => /postern/.test(path));
}

t.test(
  "the package installs, serves a door, upgrades, is removed and purged",
  { skip },
  async (t) => {
    const file = builtPackage(t, "amd64");
    const again = builtPackage(t, "amd64");
    t.ok(readFileSync(file).equals(readFileSync(again)), "two builds are the same, byte for byte");

    await t.test("it holds what runs on this machine, and no source", async (t) => {
      const files = filesIn(file);
      const unwanted = /\.(ts|map|c|cc|cpp|h|gyp)$|(arm|musl).*\.node$|\/tests?\//;
      t.same(
        files.filter((path) => unwanted.test(path)),
        [],
      );
      const addons = files.filter((path) => path.endsWith(".node"));
      t.equal(
        addons.length,
        10,
        "GPIO, system, SQLite, I2C, epoll, two serial and three Bluetooth",
      );
      t.ok(files.filter((path) => /LICENSE/.test(path)).length > 40, "licences go along");
    });

    const root = await createDebianRoot("amd64");
    t.teardown(() => root.remove());

    await t.test("a clean machine gets it, and is told what comes next", async (t) => {
      const output = await installPackage(t, root, file);
      t.match(output, /not started: this controller has no keys yet/);
      t.match(output, /provision\.json/);
      t.match(await said(root, "postern", "--version"), /^[0-9]+\.[0-9]+\.[0-9]+$/);
      const groups = await said(root, "id", "-nG", "postern");
      t.same(groups.split(" ").sort(), ["dialout", "gpio", "i2c", "postern"]);
      t.equal(await said(root, "id", "-nG", "postern-site"), "postern-site", "it opens no line");
      for (const user of ["postern", "postern-site"]) {
        const folder = await said(root, "stat", "-c", "%U:%G %a", `/var/lib/${user}`);
        t.equal(folder, `${user}:${user} 700`);
      }
      t.equal(await said(root, "systemctl", "is-enabled", "postern-controller"), "enabled");
      t.match(await said(root, "systemctl", "is-enabled", "postern-site"), /disabled/);
      t.equal(await said(root, "dpkg", "--verify", "postern"), "", "all files are as packaged");
      t.equal(
        await said(root, "systemd-analyze", "verify", "--man=no", ...units),
        "",
        "systemd finds all that the units name",
      );
    });

    await t.test("installed once more it changes nothing", async (t) => {
      const before = await said(root, "getent", "passwd", "postern");
      const script = "/var/lib/dpkg/info/postern.postinst";
      t.match(await said(root, "env", asDpkg, script, "configure", "0.1.0"), /^postern: installed/);
      t.equal(await said(root, "getent", "passwd", "postern"), before);
    });

    await t.test("every addon loads in the Node that it brings", async (t) => {
      const node = "/usr/lib/postern/node/bin/node";
      t.match(await said(root, node, "-e", loadAddons), /^loaded v22\./);
      const empty = "/root/strikes";
      writeFileSync(join(root.folder, empty), "");
      t.notMatch(await said(root, "/usr/lib/postern/postern-secure", empty), /No such|not found/);
    });

    const ports = await openPorts();

    await t.test("a whole site opens a door, as the package's user", async (t) => {
      const env = { ...ports.env, POSTERN_STATE_DIR: "/tmp/demo" };
      const options = { env, user: "postern" };
      const up = await root.start(["postern", "up", "--config", demo], options);
      t.teardown(() => up.kill("SIGKILL"));
      t.equal(await ports.opens(), "released");
      const { code, output } = await root.run(["postern", "status", "--json"], options);
      t.equal(code, 0, output);
      t.match(JSON.parse(output), { link: "up" });
      t.equal(await stop(up), 0);
    });

    const env = ports.env;

    await t.test("a site of its own makes a controller's keys, for nobody else", async (t) => {
      await serveDoor(t, root, ports);
    });

    await t.test("the controller opens it alone, after its site is gone", async (t) => {
      const controller = await root.start(["postern", "controller"], { env, user: "postern" });
      t.teardown(() => controller.kill("SIGKILL"));
      t.equal(await ports.opens(), "released");
      t.equal(await stop(controller), 0);
    });

    const state = stateOf(root);
    const config = readFileSync(join(root.folder, "etc/postern/controller.toml"), "utf8");
    writeFileSync(join(root.folder, "etc/postern/boards/own.toml"), "# Wired by hand.\n");

    await t.test(
      "an upgrade keeps the state, and what was changed of the configuration",
      async (t) => {
        for (const file of ["postern/journal.sqlite3", "postern-site/site/site-signing-key.pem"]) {
          t.ok(file in state, `there is ${file} to be kept`);
        }
        await said(root, "systemctl", "disable", "postern-controller");
        await said(root, "systemctl", "enable", "postern-site");
        await installPackage(t, root, nextPackage(t, file, "99.0.0"));
        t.equal(await said(root, "postern", "--version"), "99.0.0");
        t.same(stateOf(root), state);
        t.equal(readFileSync(join(root.folder, "etc/postern/controller.toml"), "utf8"), config);
        t.match(
          readFileSync(join(root.folder, "etc/postern/boards/raspberry-pi.toml"), "utf8"),
          /A new example/,
          "what nobody changed is replaced",
        );
        t.match(await said(root, "systemctl", "is-enabled", "postern-controller"), /disabled/);
        t.equal(await said(root, "systemctl", "is-enabled", "postern-site"), "enabled");
      },
    );

    await t.test("removed, it leaves configuration and state", async (t) => {
      const { code, output } = await root.run(["dpkg", "-r", "postern"]);
      t.equal(code, 0, output);
      t.notOk(existsSync(join(root.folder, "usr/lib/postern")), "and nothing of the program");
      t.same(stateOf(root), state);
      t.equal(readFileSync(join(root.folder, "etc/postern/controller.toml"), "utf8"), config);
    });

    await t.test("purged, it leaves nothing but what others made", async (t) => {
      const script = readFileSync(join(root.folder, "var/lib/dpkg/info/postern.postrm"));
      const { code, output } = await root.run(["dpkg", "-P", "postern"]);
      t.equal(code, 0, output);
      const kept = ["/etc/postern", "/etc/postern/boards", "/etc/postern/boards/own.toml"];
      t.same(remains(root), kept, "a profile of one's own is no business of ours");
      for (const user of ["postern", "postern-site"]) {
        t.match(await said(root, "getent", "passwd", user), /ended with 2/);
      }
      t.match(await said(root, "getent", "group", "gpio"), /^gpio:/, "others may be in it");
      writeFileSync(join(root.folder, "root/postrm"), script, { mode: 0o755 });
      t.equal(
        await said(root, "env", asDpkg, "/root/postrm", "purge"),
        "",
        "a purge that was cut short ends",
      );
    });
  },
);
