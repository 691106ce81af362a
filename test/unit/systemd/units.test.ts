import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { temporaryFolder } from "../controller/journal-records.ts";

const unit = "systemd/postern-controller.service";

function analyze(...args: readonly string[]) {
  return spawnSync("systemd-analyze", ["--no-pager", ...args], { encoding: "utf8" });
}

const skip = analyze("--version").error === undefined ? false : "no systemd-analyze";

/** The unit in a root of its own, with something to start where it says so. */
function installed(t: Test): string {
  const root = temporaryFolder(t);
  for (const program of ["usr/bin/postern", "usr/lib/postern/postern-secure"]) {
    mkdirSync(join(root, program, ".."), { recursive: true });
    writeFileSync(join(root, program), "#!/bin/sh\n");
    chmodSync(join(root, program), 0o755);
  }
  mkdirSync(join(root, "etc/systemd/system"), { recursive: true });
  copyFileSync(unit, join(root, "etc/systemd/system/postern-controller.service"));
  for (const target of ["sysinit", "basic", "multi-user", "shutdown"]) {
    writeFileSync(join(root, `etc/systemd/system/${target}.target`), "[Unit]\n");
  }
  return root;
}

/** What a directive says, last word first: systemd's rule for those that are set twice. */
function directive(name: string): string | undefined {
  const lines = readFileSync(unit, "utf8").split("\n");
  return lines.findLast((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
}

t.test("systemd understands every directive of the unit", { skip }, async (t) => {
  const root = installed(t);
  const { stdout, stderr } = analyze(
    ...["verify", "--man=no", `--root=${root}`, "postern-controller.service"],
  );
  // Other units, which the root has not, are no business of ours.
  const ours = `${stdout}${stderr}`.split("\n").filter((line) => /postern/.test(line));
  t.same(ours, []);
});

t.test("the unit leaves an exposure of 2.0 at most", { skip }, async (t) => {
  const { stdout, status } = analyze(
    ...["security", "--offline=true", "--threshold=20", `./${unit}`],
  );
  t.equal(status, 0, /Overall exposure.*/.exec(stdout)?.[0] ?? "no word of its exposure");
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
