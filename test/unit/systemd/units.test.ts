import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { temporaryFolder } from "../controller/journal-records.ts";

const units = ["postern-controller.service", "postern-site.service"] as const;
type Unit = (typeof units)[number];

function analyze(...args: readonly string[]) {
  return spawnSync("systemd-analyze", ["--no-pager", ...args], { encoding: "utf8" });
}

const skip = analyze("--version").error === undefined ? false : "no systemd-analyze";

/** The units in a root of their own, with something to start where they say so. */
function installed(t: Test): string {
  const root = temporaryFolder(t);
  for (const program of ["usr/bin/postern", "usr/lib/postern/postern-secure"]) {
    mkdirSync(join(root, program, ".."), { recursive: true });
    writeFileSync(join(root, program), "#!/bin/sh\n");
    chmodSync(join(root, program), 0o755);
  }
  mkdirSync(join(root, "etc/systemd/system"), { recursive: true });
  for (const unit of units) {
    copyFileSync(join("systemd", unit), join(root, "etc/systemd/system", unit));
  }
  for (const target of ["sysinit", "basic", "multi-user", "shutdown"]) {
    writeFileSync(join(root, `etc/systemd/system/${target}.target`), "[Unit]\n");
  }
  return root;
}

/** What a directive says, last word first: systemd's rule for those that are set twice. */
function directive(name: string, unit: Unit = "postern-controller.service"): string | undefined {
  const lines = readFileSync(join("systemd", unit), "utf8").split("\n");
  return lines.findLast((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
}

const radioUnit = "postern-controller.service";

/** The controller's unit with the drop-in for Bluetooth. */
function withBluetooth(t: Test): string {
  const root = installed(t);
  const folder = join(root, `etc/systemd/system/${radioUnit}.d`);
  mkdirSync(folder);
  copyFileSync("systemd/bluetooth.conf", join(folder, "bluetooth.conf"));
  return root;
}

t.test("with Bluetooth a controller is exposed by 2.0 at most", { skip }, async (t) => {
  const root = withBluetooth(t);
  const verified = analyze("verify", "--man=no", `--root=${root}`, radioUnit);
  const ours = `${verified.stdout}${verified.stderr}`.split("\n");
  t.same(
    ours.filter((line) => /postern|bluetooth/.test(line)),
    [],
  );
  const judge = (threshold: number) =>
    analyze(
      ...["security", "--offline=true", `--root=${root}`, `--threshold=${threshold}`, radioUnit],
    );
  const { stdout, status } = judge(20);
  t.equal(status, 0, /Overall exposure.*/.exec(stdout)?.[0] ?? "no word of its exposure");
  t.not(judge(14).status, 0, "and the drop-in is looked at: without it, the unit has 1.3");
});

t.test("only the drop-in gives an adapter to a controller, and it gives no more", async (t) => {
  t.equal(directive("CapabilityBoundingSet"), "");
  t.equal(directive("AmbientCapabilities"), "");
  t.notMatch(directive("RestrictAddressFamilies"), /BLUETOOTH/);
  const given = readFileSync("systemd/bluetooth.conf", "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  t.same(given, [
    "[Service]",
    "PrivateUsers=no",
    "CapabilityBoundingSet=CAP_NET_ADMIN",
    "AmbientCapabilities=CAP_NET_ADMIN",
    "RestrictAddressFamilies=AF_BLUETOOTH",
  ]);
});

for (const unit of units) {
  t.test(`systemd understands every directive of ${unit}`, { skip }, async (t) => {
    const root = installed(t);
    const { stdout, stderr } = analyze("verify", "--man=no", `--root=${root}`, unit);
    // Other units, which the root has not, are no business of ours.
    const ours = `${stdout}${stderr}`.split("\n").filter((line) => /postern/.test(line));
    t.same(ours, []);
  });

  t.test(`${unit} leaves an exposure of 2.0 at most`, { skip }, async (t) => {
    const { stdout, status } = analyze(
      ...["security", "--offline=true", "--threshold=20", `./systemd/${unit}`],
    );
    t.equal(status, 0, /Overall exposure.*/.exec(stdout)?.[0] ?? "no word of its exposure");
  });

  t.test(`what ${unit} keeps is its own user's alone`, async (t) => {
    const user = directive("User", unit) ?? "none";
    t.equal(directive("Group", unit), user);
    t.equal(directive("UMask", unit), "0077");
    t.equal(directive("StateDirectory", unit), user);
    t.equal(directive("StateDirectoryMode", unit), "0700");
    t.equal(directive("LimitCORE", unit), "0", "a core would have keys and PINs in it");
    const folder = `/var/lib/${user}`;
    t.equal(directive("WorkingDirectory", unit), folder);
    const made = readFileSync("systemd/postern.sysusers.conf", "utf8");
    t.match(made, new RegExp(`^u ${user} - "[^"]+" ${folder} /usr/sbin/nologin$`, "m"));
    const folders = readFileSync("scripts/package/debian/postern.tmpfiles.conf", "utf8");
    t.match(folders, new RegExp(`^d ${folder} 0700 ${user} ${user} -$`, "m"));
    const text = readFileSync(join("systemd", unit), "utf8");
    t.match(text, new RegExp(`^Environment=POSTERN_STATE_DIR=${folder}$`, "m"));
  });
}

t.test("a site that ends or hangs is served again, and may open no line of a door", async (t) => {
  const of = (name: string) => directive(name, "postern-site.service");
  t.equal(of("Type"), "notify");
  t.equal(of("Restart"), "always");
  t.equal(of("WatchdogSignal"), "SIGKILL");
  t.equal(of("KillMode"), "mixed");
  t.equal(of("PrivateDevices"), "yes");
  const users = readFileSync("systemd/postern.sysusers.conf", "utf8");
  t.notMatch(users, /^m postern-site /m);
  const worth = (unit: Unit) => Number(directive("OOMScoreAdjust", unit));
  t.ok(worth("postern-site.service") > worth("postern-controller.service"), "doors go last");
});

t.test(
  "a daemon that hangs or is killed has its outputs secured, and is served again",
  async (t) => {
    t.equal(directive("Type"), "notify");
    t.equal(directive("ExecStopPost"), "/usr/lib/postern/postern-secure /run/postern/strikes");
    t.equal(directive("RuntimeDirectory"), "postern", "where the strikes file is");
    t.equal(directive("WatchdogSec"), "5", "as README's table says");
    t.equal(directive("WatchdogSignal"), "SIGKILL");
    t.equal(directive("KillMode"), "mixed");
    t.equal(directive("Restart"), "always");
    t.equal(directive("StartLimitIntervalSec"), "0");
  },
);

t.test("who may open the lines is told to udev and sysusers alike", async (t) => {
  const users = readFileSync("systemd/postern.sysusers.conf", "utf8");
  const rules = readFileSync("systemd/60-postern.rules", "utf8");
  for (const group of ["gpio", "i2c"]) {
    t.match(users, new RegExp(`^m postern ${group}$`, "m"));
    t.match(rules, new RegExp(`GROUP="${group}", MODE="0660"$`, "m"));
  }
  t.match(users, /^m postern dialout$/m);
});
