import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type BootedRoot, bootRoot, bootSkip } from "./booted-root.ts";
import { builtPackage, nextPackage } from "./built-package.ts";
import { createDebianRoot, type DebianRoot, packagesSkip } from "./debian-root.ts";
import {
  bringKeys,
  configureServices,
  installPackage,
  putSiteFile,
  said,
} from "./installed-package.ts";
import { ada, type BoardState, eventually } from "./stack.ts";

const missing = packagesSkip("test/e2e/package-systemd.test.ts", "amd64");
const skip = missing === false ? bootSkip() : missing;

const controller = "postern-controller.service";
const site = "postern-site.service";

/** Ada's card at the front door, as nobody outside of the root can present it; prints what the strike does. */
const tapFront = `
  const board = "http://127.0.0.1:8322/sim";
  const headers = { "content-type": "application/json" };
  const body = '${JSON.stringify(ada)}';
  await fetch(board + "/readers/front/card", { method: "POST", headers, body });
  console.log(await (await fetch(board)).text());
`;

async function opens(root: DebianRoot): Promise<string> {
  const node = ["/usr/lib/postern/node/bin/node", "--input-type=module", "-e", tapFront];
  return eventually("the front door's strike is released for Ada", async () => {
    const { doors } = JSON.parse(await said(root, ...node)) as BoardState;
    return doors["front"]?.strike === "released" ? "released" : undefined;
  });
}

async function property(root: DebianRoot, unit: string, name: string): Promise<string> {
  return said(root, "systemctl", "show", "--value", `--property=${name}`, unit);
}

async function journal(root: DebianRoot, unit: string): Promise<string> {
  return said(root, "journalctl", "--no-pager", `--unit=${unit}`);
}

/** By name, each as often as it runs. */
async function programs(root: DebianRoot): Promise<readonly string[]> {
  return (await said(root, "sh", "-c", "cat /proc/[0-9]*/comm")).split("\n");
}

/** Resolves when systemd has it up again after the process that it was. */
async function servesAgain(root: DebianRoot, unit: string, formerPid: string): Promise<string> {
  return eventually(`${unit} is another process, and ready`, async () => {
    const [pid, state] = [
      await property(root, unit, "MainPID"),
      await property(root, unit, "ActiveState"),
    ];
    return pid !== "0" && pid !== formerPid && state === "active" ? state : undefined;
  });
}

t.test("the package under a systemd that runs", { skip }, async (t) => {
  const file = builtPackage(t, "amd64");
  const disk = await createDebianRoot("amd64");
  t.teardown(() => disk.remove());
  let root: BootedRoot = await bootRoot(disk);
  t.teardown(() => root.cutPower());

  await t.test("installs without complaint, and starts nothing that has no keys", async (t) => {
    const output = await installPackage(t, root, file);
    t.match(output, /not started: this controller has no keys yet/);
    t.notMatch(output, /not found|failed|error|warning/i);
    await said(root, "systemctl", "start", controller);
    t.equal(await property(root, controller, "ActiveState"), "inactive");
    t.equal(await property(root, controller, "ConditionResult"), "no");
    t.equal(await property(root, site, "ActiveState"), "inactive");
    t.equal(await said(root, "systemctl", "is-system-running"), "running");
  });

  await t.test("a site without its file says which, and serves when it is there", async (t) => {
    configureServices(root);
    t.match(await said(root, "systemctl", "enable", "--now", site), /^ended with 1/);
    t.match(
      await journal(root, site),
      /postern: \/var\/lib\/postern-site\/site-file\.toml: cannot be read \(ENOENT\)/,
    );
    await putSiteFile(t, root);
    t.equal(await servesAgain(root, site, "0"), "active", "by itself");
    t.match(await property(root, site, "StatusText"), /serves site main at http:/);
  });

  await t.test("a controller that was brought its keys opens a door", async (t) => {
    await bringKeys(t, root);
    t.equal(await said(root, "systemctl", "start", controller), "");
    t.equal(await opens(root), "released");
    const tables = await root.run(["postern", "site", "tables"], { user: "postern-site" });
    t.match(tables.output, /^door-1 +online /m);
  });

  await t.test("neither has any right, nor more than it needs", async (t) => {
    for (const unit of [controller, site]) {
      const status = await said(
        root,
        "cat",
        `/proc/${await property(root, unit, "MainPID")}/status`,
      );
      for (const set of ["CapEff", "CapPrm", "CapBnd"]) {
        t.match(status, new RegExp(`^${set}:\\t0+$`, "m"), `${unit}: ${set}`);
      }
      t.match(status, /^NoNewPrivs:\t1$/m);
      t.match(status, /^Seccomp:\t2$/m);
      t.notMatch(status, /^Uid:\t0\t/m);
      const { code, output } = await root.run([
        ...["systemd-analyze", "--no-pager", "security", "--threshold=20", unit],
      ]);
      t.equal(code, 0, output);
    }
    t.same((await programs(root)).filter((name) => name === "node").length, 2);
  });

  for (const [how, signal, told] of [
    ["is killed", "KILL", /Main process exited, code=killed, status=9/],
    ["hangs", "STOP", /Watchdog timeout \(limit 5s\)/],
  ] as const) {
    await t.test(`a controller that ${how} is served again`, async (t) => {
      const pid = await property(root, controller, "MainPID");
      const before = (await journal(root, controller)).length;
      await said(root, "systemctl", "kill", "--kill-whom=main", `--signal=${signal}`, controller);
      t.equal(await servesAgain(root, controller, pid), "active");
      t.equal(await opens(root), "released");
      const since = (await journal(root, controller)).slice(before);
      t.match(since, told);
      t.match(since, /postern-secure\[\d+\]:/, "its strikes were seen to in between");
    });
  }

  await t.test("a site that hangs is served again, as soon as its unit says", async (t) => {
    const folder = "/run/systemd/system/postern-site.service.d";
    const sooner = `mkdir ${folder} && printf '[Service]\\nWatchdogSec=2\\n' > ${folder}/test.conf`;
    t.equal(await said(root, "sh", "-c", `${sooner} && systemctl daemon-reload`), "");
    t.equal(await said(root, "systemctl", "restart", site), "");
    const pid = await property(root, site, "MainPID");
    await said(root, "systemctl", "kill", "--kill-whom=main", "--signal=STOP", site);
    t.equal(await servesAgain(root, site, pid), "active");
    t.match(await journal(root, site), /Watchdog timeout/);
    await said(root, "sh", "-c", `rm -r ${folder} && systemctl daemon-reload`);
  });

  await t.test("an upgrade replaces both, the controller first, and doors open", async (t) => {
    const pids = [
      await property(root, controller, "MainPID"),
      await property(root, site, "MainPID"),
    ] as const;
    const output = await installPackage(t, root, nextPackage(t, file, "99.0.0"));
    t.notMatch(output, /did not start/);
    t.equal(await servesAgain(root, controller, pids[0]), "active");
    t.equal(await servesAgain(root, site, pids[1]), "active");
    const since = async (unit: string) =>
      Number(await property(root, unit, "ActiveEnterTimestampMonotonic"));
    t.ok((await since(controller)) < (await since(site)));
    t.equal(await opens(root), "released");
    const status = await root.run(["postern", "status", "--json"], { user: "postern" });
    t.match(JSON.parse(status.output), { software: "99.0.0", table: { version: 1 } });
  });

  await t.test("an upgrade leaves off who was switched off, and stands a bad file", async (t) => {
    t.match(await said(root, "systemctl", "disable", "--now", site), /Removed/);
    const config = join(root.folder, "etc/postern/controller.toml");
    const good = readFileSync(config, "utf8");
    appendFileSync(config, "nonsense = 1\n");
    t.match(await installPackage(t, root, file), /did not start: see journalctl -u postern-con/);
    t.match(await said(root, "dpkg", "--status", "postern"), /^Status: install ok installed$/m);
    t.equal(await property(root, site, "ActiveState"), "inactive");
    writeFileSync(config, good);
    t.equal(await opens(root), "released", "as soon as the file is mended");
  });

  await t.test("after a power cut the controller opens its doors by itself", async (t) => {
    await root.cutPower();
    root = await bootRoot(disk);
    t.equal(await property(root, controller, "ActiveState"), "active");
    t.equal(await property(root, site, "ActiveState"), "inactive");
    t.equal(await opens(root), "released");
  });

  await t.test("removed and purged, nothing of it runs or stays", async (t) => {
    await said(root, "systemctl", "enable", "--now", site);
    const removed = await root.run(["dpkg", "-r", "postern"]);
    t.equal(removed.code, 0, removed.output);
    t.notOk((await programs(root)).includes("node"));
    for (const unit of [controller, site]) {
      t.not(await property(root, unit, "ActiveState"), "active");
    }
    const { code, output } = await root.run(["dpkg", "-P", "postern"]);
    t.equal(code, 0, output);
    for (const user of ["postern", "postern-site"]) {
      t.match(await said(root, "getent", "passwd", user), /^ended with 2/);
    }
    await said(root, "systemctl", "daemon-reload");
    const files = await said(root, "systemctl", "list-unit-files", "--no-legend");
    t.notMatch(files, /postern/);
    await said(root, "systemctl", "reset-failed");
    t.equal(await said(root, "systemctl", "is-system-running"), "running");
  });
});
