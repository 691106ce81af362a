import { type ChildProcess, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { builtPackage, nextPackage } from "./built-package.ts";
import { createDebianRoot, type DebianRoot, packagesSkip } from "./debian-root.ts";
import { installPackage, loadAddons, said } from "./installed-package.ts";
import { ada, type BoardState, eventually, freePort } from "./stack.ts";

const skip = packagesSkip("test/e2e/package.test.ts", "amd64");

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
  const folder = join(root.folder, "var/lib/postern");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
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

async function stop(child: ChildProcess): Promise<number | null> {
  const gone = once(child, "close");
  child.kill("SIGTERM");
  const [code] = (await gone) as [number | null];
  return code;
}

/** Runs daemons as the package's user, on ports that are free. */
async function openPorts() {
  const [http, sim, mqtt] = [await freePort(), await freePort(), await freePort()];
  const board = `http://127.0.0.1:${sim}/sim`;
  const tap = async () => {
    const response = await fetch(`${board}/readers/front/card`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(ada),
    });
    return response.ok;
  };
  return {
    env: {
      POSTERN_HTTP_PORT: String(http),
      POSTERN_SIM_PORT: String(sim),
      POSTERN_MQTT_PORT: String(mqtt),
    },
    /** Presents a card that the demonstration knows until the door answers. */
    opens: async () =>
      eventually("the front door's strike is released for Ada", async () => {
        await tap();
        const { doors } = (await (await fetch(board)).json()) as BoardState;
        return doors["front"]?.strike === "released" ? "released" : undefined;
      }),
  };
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
      t.equal(addons.length, 6, "GPIO, system, SQLite, I2C, epoll and serial");
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
      t.equal(
        await said(root, "stat", "-c", "%U:%G %a", "/var/lib/postern"),
        "postern:postern 700",
      );
      t.equal(await said(root, "systemctl", "is-enabled", "postern-controller"), "enabled");
      t.equal(await said(root, "dpkg", "--verify", "postern"), "", "all files are as packaged");
      t.equal(
        await said(root, "systemd-analyze", "verify", "--man=no", "postern-controller.service"),
        "",
        "systemd finds all that the unit names",
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
    const options = { env: ports.env, user: "postern" };

    await t.test("a whole site opens a door, as the package's user", async (t) => {
      const demo = "/usr/share/doc/postern/examples/demo";
      const up = await root.start(["postern", "up", "--config", demo], options);
      t.teardown(() => up.kill("SIGKILL"));
      t.equal(await ports.opens(), "released");
      const { code, output } = await root.run(["postern", "status", "--json"], options);
      t.equal(code, 0, output);
      t.match(JSON.parse(output), { link: "up" });
      t.equal(await stop(up), 0);
    });

    await t.test(
      "the controller opens it alone, by a configuration that was changed",
      async (t) => {
        const config = join(root.folder, "etc/postern/controller.toml");
        const changed = readFileSync(config, "utf8")
          .replace('id = "door-1"', 'id = "demo"')
          .replace('site = "main"', 'site = "demo"\nclock_quality = "trusted"')
          .replace('"linux"', '"sim"')
          .replace("boards/raspberry-pi.toml", "boards/sim.toml");
        writeFileSync(config, changed);
        const controller = await root.start(["postern", "controller"], options);
        t.teardown(() => controller.kill("SIGKILL"));
        t.equal(await ports.opens(), "released");
        t.equal(await stop(controller), 0);
      },
    );

    const state = stateOf(root);
    const config = readFileSync(join(root.folder, "etc/postern/controller.toml"), "utf8");
    writeFileSync(join(root.folder, "etc/postern/boards/own.toml"), "# Wired by hand.\n");

    await t.test(
      "an upgrade keeps the state, and what was changed of the configuration",
      async (t) => {
        t.ok(Object.keys(state).includes("journal.sqlite3"), "there is a state to be kept");
        await said(root, "systemctl", "disable", "postern-controller");
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
      t.match(await said(root, "getent", "passwd", "postern"), /ended with 2/);
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
