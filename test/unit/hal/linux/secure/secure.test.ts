import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { temporaryFolder } from "../../../controller/journal-records.ts";

/** What of it needs a kernel with chips is tried on the rig. */
const program = "hal/linux/secure/build/postern-secure";
const skip = existsSync(program) ? false : "postern-secure is not compiled: npm run native";

/** Runs it over these lines of a strikes file, in which `%` is a folder of the test's. */
function secure(t: Test, lines: readonly string[], exported: readonly string[] = []) {
  const folder = temporaryFolder(t);
  for (const name of exported) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "direction"), "in\n");
  }
  const file = join(folder, "strikes");
  writeFileSync(file, lines.map((line) => `${line.replaceAll("%", folder)}\n`).join(""));
  const { status, stdout, stderr } = spawnSync(program, [file], { encoding: "utf8" });
  return {
    status,
    said: stdout.replaceAll(folder, "%").split("\n").slice(0, -1),
    stderr: stderr.replaceAll(folder, "%"),
    direction: (name: string) => readFileSync(join(folder, name, "direction"), "utf8"),
  };
}

t.test("each output gets its level", { skip }, async (t) => {
  const { status, said, direction } = secure(
    t,
    ["# comment", "", "sysfs %/gpio1 0 front", "sysfs %/gpio2 1 lab"],
    ["gpio1", "gpio2"],
  );
  t.same(said, ["front secured", "lab secured"]);
  t.equal(status, 0);
  t.match(direction("gpio1"), /^low/);
  t.match(direction("gpio2"), /^high/);
});

t.test("one that fails keeps no other released, and is told", { skip }, async (t) => {
  const { status, said, direction } = secure(
    t,
    [
      "gpio /dev/nothing 3 0 yard",
      "i2c /dev/nothing 0x20 0x14 0x01 0x00 relays:A0",
      "gpio /dev/null 3 0 gate",
      "sysfs %/gpio9 0 cellar",
      "sysfs %/gpio1 1 front",
    ],
    ["gpio1"],
  );
  t.same(said, [
    "yard NOT SECURED: /dev/nothing: No such file or directory",
    "relays:A0 NOT SECURED: /dev/nothing: No such file or directory",
    "gate NOT SECURED: the line cannot be taken: Inappropriate ioctl for device",
    "cellar NOT SECURED: %/gpio9: No such file or directory",
    "front secured",
  ]);
  t.equal(status, 1);
  t.match(direction("gpio1"), /^high/);
});

t.test(
  "a line that says something else moves nothing, and the others are secured",
  { skip },
  (t) => {
    const bad = [
      "relay /dev/null 1 0 x",
      "sysfs %/gpio2 2 x",
      "sysfs %/gpio2 0",
      "sysfs %/gpio2 0 x y",
      "sysfs  %/gpio2 0 x",
      " sysfs %/gpio2 0 x",
      "gpio /dev/null -1 0 x",
      "gpio /dev/null 4294967296 0 x",
      "gpio /dev/null 1x 0 x",
      "gpio /dev/null 1 0 x y z w v u",
      "i2c /dev/null 0x80 0x14 0x01 0x00 x",
      "i2c /dev/null 0x20 0x100 0x01 0x00 x",
      "i2c /dev/null 0x20 0x14 0x01 x",
      "i2c /dev/null 0x20 0x14 0x01 0x00 x y",
      "sysfs",
    ];
    for (const line of bad) {
      const run = secure(t, [line, "sysfs %/gpio1 0 front"], ["gpio1", "gpio2"]);
      t.equal(run.status, 1, line);
      t.match(run.said[0], /NOT SECURED: line 1: expected /, line);
      t.equal(run.said[1], "front secured");
      t.equal(run.direction("gpio2"), "in\n");
    }
    t.end();
  },
);

t.test("a daemon that never opened an output left nothing to secure", { skip }, async (t) => {
  const { status, stdout } = spawnSync(program, ["/nowhere/strikes"], { encoding: "utf8" });
  t.equal(status, 0);
  t.equal(stdout, "/nowhere/strikes is not there: no output was opened\n");
});

t.test("a file that cannot be read, and no file, are failures", { skip }, async (t) => {
  for (const args of [[], ["/"], ["-h"], ["/dev/null", "/dev/null"]]) {
    t.equal(spawnSync(program, args).status, 2, args.join(" "));
  }
});

t.test(
  "what there is no room for is a failure, and what there is room for secured",
  { skip },
  async (t) => {
    const many = secure(t, Array(257).fill("sysfs %/gpio1 0 front"), ["gpio1"]);
    t.equal(many.status, 1);
    t.match(many.stderr, /more than 256 outputs/);
    t.match(many.direction("gpio1"), /^low/);

    const torn = secure(t, ["sysfs %/gpio1 0 front", "sysfs\0"], ["gpio1"]);
    t.equal(torn.status, 1);
    t.match(torn.stderr, /torn/);
    t.match(torn.direction("gpio1"), /^low/);

    t.equal(secure(t, [`# ${"x".repeat(65_536)}`]).status, 2);
  },
);
