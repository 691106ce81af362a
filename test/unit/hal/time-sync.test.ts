import { chmodSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { readBootId } from "../../../hal/linux/boot-id.ts";
import { createTimeSync } from "../../../hal/linux/time-sync.ts";
import { temporaryFolder } from "../controller/journal-records.ts";

const isLinux = process.platform === "linux";

/** A machine with these programs, which are shell scripts, and this file; what is left out is missing. */
function machineWith(
  t: Test,
  parts: {
    readonly timedatectl?: string;
    readonly chronyc?: string;
    readonly touchedMsAgo?: number;
  },
) {
  const folder = temporaryFolder(t);
  const program = (name: string, script: string | undefined) => {
    const file = join(folder, name);
    if (script === undefined) return file;
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  };
  const timesyncdFile = join(folder, "synchronized");
  if (parts.touchedMsAgo !== undefined) {
    writeFileSync(timesyncdFile, "");
    const at = (Date.now() - parts.touchedMsAgo) / 1_000;
    utimesSync(timesyncdFile, at, at);
  }
  return createTimeSync({
    timedatectl: program("timedatectl", parts.timedatectl),
    chronyc: program("chronyc", parts.chronyc),
    timesyncdFile,
  });
}

/** As `chronyc -c tracking` prints it. */
function tracking(options: {
  readonly reference?: string;
  readonly heardMsAgo?: number;
  readonly leap?: string;
}) {
  const { reference = "C0000201", heardMsAgo = 0, leap = "Normal" } = options;
  const heardAt = ((Date.now() - heardMsAgo) / 1_000).toFixed(9);
  const middle = "0.000001,0.000002,0.000003,1.5,0.001,0.02,0.01,0.0005,64.2";
  return `echo '${reference},192.0.2.1,3,${heardAt},${middle},${leap}'`;
}

t.test("the kernel's word goes before everybody else's", { skip: !isLinux }, async (t) => {
  const yes = machineWith(t, { timedatectl: "echo NTPSynchronized=yes" });
  t.equal(await yes.ask(), "synchronised");
  const no = machineWith(t, {
    timedatectl: "echo NTPSynchronized=no",
    chronyc: tracking({}),
    touchedMsAgo: 0,
  });
  t.equal(await no.ask(), "unsynchronised", "it knows that somebody set the clock by hand");
});

t.test(
  "without systemd chrony is asked when it last heard a server",
  { skip: !isLinux },
  async (t) => {
    const cases = [
      [tracking({}), "synchronised"],
      [tracking({ leap: "Insert second" }), "synchronised"],
      [tracking({ heardMsAgo: 31_900_000 }), "synchronised"],
      [tracking({ heardMsAgo: 32_100_000 }), "unsynchronised"],
      [tracking({ heardMsAgo: -60_000 }), "unsynchronised"],
      [tracking({ leap: "Not synchronised" }), "unsynchronised"],
      [tracking({ reference: "7F7F0101" }), "unsynchronised"],
      ["echo '506 Cannot talk to daemon'", "absent"],
      ["exit 1", "absent"],
      [`${tracking({})}; exit 1`, "absent"],
    ] as const;
    for (const [chronyc, answer] of cases) {
      const sync = machineWith(t, { chronyc, timedatectl: "echo Failed >&2; exit 1" });
      t.equal(await sync.ask(), answer, chronyc);
    }
  },
);

t.test("where no program answers, a file that was touched lately vouches", async (t) => {
  const cases = [
    [0, "synchronised"],
    [31_900_000, "synchronised"],
    [32_100_000, "unsynchronised"],
    [-60_000, "unsynchronised"],
  ] as const;
  for (const [touchedMsAgo, answer] of cases) {
    t.equal(await machineWith(t, { touchedMsAgo }).ask(), answer, `touched ${touchedMsAgo} ms ago`);
  }
});

t.test("a machine that can say nothing says nothing", async (t) => {
  t.equal(await machineWith(t, {}).ask(), "absent");
});

t.test("nonsense vouches for nothing", { skip: !isLinux }, async (t) => {
  for (const script of ["yes | head -c 100000", "echo yes", "echo", "kill -9 $$"]) {
    t.equal(await machineWith(t, { timedatectl: script, chronyc: script }).ask(), "absent", script);
  }
});

t.test("this machine's own word is one of the three", async (t) => {
  t.match(await createTimeSync().ask(), /^(synchronised|unsynchronised|absent)$/);
});

t.test("a boot has a name where the kernel gives it one", async (t) => {
  const file = join(temporaryFolder(t), "boot_id");
  t.equal(readBootId(file), undefined);
  writeFileSync(file, "not an id\n");
  t.equal(readBootId(file), undefined);
  writeFileSync(file, "0D0e0f00-1111-2222-3333-444455556666\n".toLowerCase());
  t.equal(readBootId(file), "0d0e0f00111122223333444455556666");
  if (isLinux) t.match(readBootId(), /^[0-9a-f]{32}$/);
});
