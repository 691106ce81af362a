import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import type { SyncAnswer } from "../../../hal/time-sync.ts";
import type { Finding } from "../../../src/compose/check-up/finding.ts";
import { type Machine, thisMachine } from "../../../src/compose/check-up/machine.ts";
import { runDoctor } from "../../../src/compose/doctor.ts";
import { controllerId, siteId } from "../../../src/domain/ids.ts";
import { serialiseProvision } from "../../../src/protocols/sync/provision.ts";
import { startDaemon, status } from "../cli/local-daemon.ts";
import { temporaryFolder } from "../controller/journal-records.ts";

const { publicKey } = generateKeyPairSync("ed25519");
const broken = "nobody listens at the discard port";
const unitIsWell = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNRestarts=0\n";

interface Patient {
  readonly files?: Readonly<Record<string, string>>;
  readonly kernel?: string;
  readonly sync?: SyncAnswer;
  /** Of systemctl. */
  readonly unit?: string | undefined;
  readonly board?: string;
  readonly clockQuality?: string;
  readonly provisionMode?: number;
  readonly provisionFor?: string;
  readonly socketFile?: string;
  readonly stateIn?: string;
}

const simBoard = `kind = "sim"\nprofile_file = "${join(process.cwd(), "config/boards/sim.toml")}"`;
const linuxBoard = simBoard.replace('"sim"', '"linux"');

/** A machine in a folder, with a controller's files in another; what the doctor finds there. */
async function examine(t: Test, patient: Patient = {}) {
  const folder = mkdtempSync(join(tmpdir(), "postern-doctor-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const put = (name: string, text: string, mode = 0o600) => {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  for (const [name, text] of Object.entries(patient.files ?? {}))
    put(join("root", name), text, 0o660);
  const stateDir = join(folder, "state");
  const provision = serialiseProvision({
    site: siteId("hq"),
    controller: controllerId(patient.provisionFor ?? "demo"),
    sitePublicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
    controllerKey: new Uint8Array(32).fill(1),
    pinKey: new Uint8Array(32).fill(2),
  });
  put("state/provision.json", provision, patient.provisionMode ?? 0o600);
  const clock = patient.clockQuality ?? "ntp";
  const head = `id = "demo"\nsite = "hq"\nstate_dir = "${patient.stateIn ?? stateDir}"\nclock_quality = "${clock}"`;
  const mqtt = '[mqtt]\nurl = "mqtt://ada:hunter2@127.0.0.1:9"';
  const board = patient.board ?? simBoard;
  const configFile = put("controller.toml", `${head}\n[board]\n${board}\n${mqtt}\n`);
  const machine: Machine = {
    ...thisMachine(join(folder, "root")),
    kernel: patient.kernel ?? "6.1.0-rpi7",
    timeSync: { ask: async () => patient.sync ?? "synchronised" },
    outputOf: async (program) =>
      program === "systemctl" ? ("unit" in patient ? patient.unit : unitIsWell) : undefined,
  };
  let output = "";
  const print = (text: string) => {
    output += text;
  };
  const source = { configFile, env: {}, socketFile: patient.socketFile, machine, print };
  const verdict = await runDoctor({ ...source, json: true });
  const findings = JSON.parse(output) as readonly Finding[];
  output = "";
  await runDoctor({ ...source, json: false });
  return {
    verdict,
    findings,
    stateDir,
    text: output,
    of: (check: string) => findings.find((one) => one.check === check),
  };
}

t.test(
  "a sound machine without its controller running is well, and says what it looked at",
  async (t) => {
    const { verdict, findings, text } = await examine(t);
    t.equal(verdict, "ok");
    t.notOk(
      findings.some((one) => one.verdict === "fail"),
      text,
    );
    for (const check of [
      ...["configuration", "controller", "kernel", "addon gpio", "addon system", "gpio chips"],
      ...["lines", "groups", "clock", "disk room", "disk writing", "site key", "broker"],
      ...["bluetooth", "watchdog", "systemd unit"],
    ]) {
      t.ok(
        findings.some((one) => one.check === check),
        check,
      );
      t.match(text, new RegExp(`^(ok {2}|warn|FAIL) {2}${check} `, "m"));
    }
    for (const { verdict: told, fix, check } of findings) {
      t.equal(fix === undefined, told === "ok", `${check}: a fix for what is wrong, and no other`);
    }
  },
);

t.test("no answer of the broker keeps doors from working, and no password is shown", async (t) => {
  const { of, text } = await examine(t);
  t.match(of("broker"), { verdict: "warn", saw: /^mqtt:\/\/127\.0\.0\.1:9: / }, broken);
  t.notMatch(text, "hunter2");
});

t.test("a controller that runs tells its troubles", async (t) => {
  const { socketFile } = await startDaemon(t);
  const { of, verdict } = await examine(t, { socketFile });
  t.match(of("controller"), { verdict: "ok", saw: `it runs, version ${status.software}` });
  t.match(of("troubles"), { verdict: "warn", saw: "tamper:front-in, broker_away" });
  t.equal(verdict, "ok", "troubles are no failure of the machine");
});

t.test("a provision that others may read, or that is another's, is a failure", async (t) => {
  const open = await examine(t, { provisionMode: 0o644 });
  t.equal(open.verdict, "fail");
  t.match(open.of("site key"), { verdict: "fail", fix: /^chmod 600 / });
  const others = await examine(t, { provisionFor: "cellar" });
  t.match(others.of("site key"), { verdict: "fail", saw: /made for cellar of hq$/ });
});

t.test(
  "a board of lines on a machine without any fails, and says which part is lacking",
  async (t) => {
    const { verdict, of } = await examine(t, { board: linuxBoard, kernel: "5.4.0" });
    t.equal(verdict, "fail");
    t.match(of("kernel"), { verdict: "fail", fix: /5\.10/ });
    t.match(of("gpio chips"), { verdict: "fail", saw: "there is no /dev/gpiochip*" });
    t.match(of("lines"), { verdict: /warn|fail/ });
    const newer = await examine(t, { board: linuxBoard, kernel: "5.10.0" });
    t.match(newer.of("kernel"), { verdict: "ok" });
  },
);

t.test("a device that the controller's user may not open is told with its group", async (t) => {
  const files = {
    "dev/gpiochip0": "",
    "etc/passwd": "root:x:0:0::/:/bin/sh\npostern:x:990:990::/:/bin/false",
    "etc/group": `gpio:x:0:\nother:x:77:postern`,
  };
  const member = { ...files, "etc/group": "gpio:x:0:dialout,postern" };
  const joined = await examine(t, { board: linuxBoard, files: member });
  t.match(joined.of("groups"), { verdict: "ok", saw: / may open \/dev\/gpiochip0$/ });
  const { of } = await examine(t, { board: linuxBoard, files });
  // As root the user of the unit is looked at; as anybody else, who made the file may open it.
  const saw = "postern may not open /dev/gpiochip0, which is group gpio's";
  const isRoot = process.getuid?.() === 0;
  t.match(of("groups"), isRoot ? { verdict: "fail", saw } : { verdict: "ok" });
});

t.test(
  "a clock that nobody vouches for is told, unless the configuration answers for it",
  async (t) => {
    for (const sync of ["unsynchronised", "absent"] as const) {
      t.match((await examine(t, { sync })).of("clock"), { verdict: "warn" }, sync);
    }
    const { of } = await examine(t, { sync: "absent", clockQuality: "trusted" });
    t.match(of("clock"), { verdict: "ok", saw: /trusted by configuration/ });
  },
);

t.test("a watchdog is armed, idle or not there", async (t) => {
  const dog = "sys/class/watchdog/watchdog0";
  const files = { [`${dog}/identity`]: "Broadcom BCM2835\n", [`${dog}/state`]: "active\n" };
  t.match((await examine(t, { files })).of("watchdog"), { verdict: "ok", saw: /armed$/ });
  const idle = { ...files, [`${dog}/state`]: "inactive\n" };
  t.match((await examine(t, { files: idle })).of("watchdog"), {
    verdict: "warn",
    saw: /not armed/,
  });
  t.match((await examine(t)).of("watchdog"), { verdict: "warn", saw: /^none/ });
});

/** A board of this machine's lines whose one reader takes mobile passes. */
function radioBoard(t: Test, ble: string): string {
  const text = readFileSync("config/boards/raspberry-pi.toml", "utf8");
  const file = join(temporaryFolder(t), "board.toml");
  writeFileSync(file, text.replace(/^(id = "front"\n)(?=door)/m, `$1ble = ${ble}\n`));
  return `kind = "linux"\nprofile_file = "${file}"`;
}

const adapterFiles = { "sys/class/bluetooth/hci0/type": "", "sys/class/bluetooth/hci1/type": "" };
const mayHaveAdapter =
  `${unitIsWell}AmbientCapabilities=cap_net_admin\nPrivateUsers=no\n` +
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_BLUETOOTH\n";

t.test("Bluetooth that no reader uses is no matter", async (t) => {
  t.match((await examine(t)).of("bluetooth"), { verdict: "ok", saw: /simulated/ });
  const board = linuxBoard.replace("sim.toml", "raspberry-pi.toml");
  t.match((await examine(t, { board })).of("bluetooth"), {
    verdict: "ok",
    saw: "no adapter, and nothing here needs one",
  });
  t.match((await examine(t, { board, files: adapterFiles })).of("bluetooth"), {
    verdict: "ok",
    saw: "hci0, hci1, and nothing here needs one",
  });
});

t.test("a reader's adapter that is there, free and allowed is well", async (t) => {
  for (const driver of ["abandonware", "stoprocent"]) {
    const board = radioBoard(t, `{ adapter = 1, driver = "${driver}" }`);
    const patient = { board, files: adapterFiles, unit: mayHaveAdapter };
    t.match((await examine(t, patient)).of("bluetooth"), {
      verdict: "ok",
      saw: `hci1 by ${driver}: there, switched on and free for us`,
    });
  }
});

t.test("an adapter that a reader lacks is told, with those that are there", async (t) => {
  const board = radioBoard(t, "{ adapter = 2 }");
  const of = async (files: Record<string, string>) =>
    (await examine(t, { board, files, unit: mayHaveAdapter })).of("bluetooth");
  t.match(await of(adapterFiles), {
    verdict: "warn",
    saw: /^not there: hci2; there is hci0.*, hci1/,
  });
  t.match(await of({}), {
    verdict: "warn",
    saw: "not there: hci2; there is none",
    fix: /plug it in/,
  });
});

t.test("an adapter that is named by its socket is looked for there", async (t) => {
  const board = radioBoard(t, '{ adapter = "1-2" }');
  t.match((await examine(t, { board, files: adapterFiles })).of("bluetooth"), {
    verdict: "warn",
    saw: "not there: the adapter in 1-2; there is hci0",
  });
});

t.test("an adapter that is switched off is told, by either switch of its own", async (t) => {
  const board = radioBoard(t, "{ adapter = 0 }");
  const of = async (adapter: string, soft: string, hard: string) => {
    const folder = `sys/class/bluetooth/${adapter}/rfkill1`;
    const files = { ...adapterFiles, [`${folder}/soft`]: soft, [`${folder}/hard`]: hard };
    return (await examine(t, { board, files, unit: mayHaveAdapter })).of("bluetooth");
  };
  const off = { verdict: "warn", saw: "hci0 is switched off", fix: /^rfkill unblock/ };
  t.match(await of("hci0", "1\n", "0\n"), off);
  t.match(await of("hci0", "0\n", "1\n"), off);
  t.match(await of("hci0", "0\n", "0\n"), { verdict: "ok" });
  t.match(await of("hci1", "1\n", "1\n"), { verdict: "ok" }, "another's is no matter");
});

t.test("a unit that may not have an adapter is told, with what it lacks", async (t) => {
  const board = radioBoard(t, "{}");
  const of = async (unit: string | undefined) =>
    (await examine(t, { board, files: adapterFiles, unit })).of("bluetooth");
  const plain =
    `${unitIsWell}AmbientCapabilities=\nPrivateUsers=yes\n` +
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n";
  t.match(await of(plain), {
    verdict: "warn",
    saw: /lacks CAP_NET_ADMIN, AF_BLUETOOTH, the machine's own users$/,
    fix: /bluetooth\.conf/,
  });
  t.match(await of(mayHaveAdapter.replace("cap_net_admin", "cap_net_raw")), {
    saw: /lacks CAP_NET_ADMIN$/,
  });
  t.match(await of("LoadState=not-found\n"), { verdict: "ok" }, "it runs by hand, as somebody");
  t.match(await of(undefined), { verdict: "ok" });
  t.match(await of("active\n"), { verdict: "warn", saw: /^bluetoothd runs/, fix: /disable/ });
});

t.test("a unit that failed, restarts, or does not start at boot is told", async (t) => {
  const of = async (unit: string | undefined) => (await examine(t, { unit })).of("systemd unit");
  t.match(await of(unitIsWell), { verdict: "ok" });
  t.match(await of(undefined), { verdict: "warn", saw: "systemd does not answer" });
  t.match(await of("LoadState=not-found\n"), { verdict: "warn", saw: /is not-found$/ });
  const failed = `${unitIsWell.replace("=active", "=failed")}Result=watchdog\n`;
  t.match(await of(failed), { verdict: "fail", saw: /watchdog$/ });
  t.match(await of(unitIsWell.replace("=enabled", "=disabled")), {
    verdict: "warn",
    fix: /enable/,
  });
  t.match(await of(unitIsWell.replace("=0", "=3")), { verdict: "warn", saw: /3 restarts/ });
});

t.test(
  "a configuration that cannot be read is told, and the rest is looked at all the same",
  async (t) => {
    const { verdict, of } = await examine(t, { board: 'kind = "wooden"' });
    t.equal(verdict, "fail");
    t.match(of("configuration"), { verdict: "fail", saw: /controller\.toml:\d+.*kind/s });
    t.match(of("kernel"), { verdict: "ok" });
  },
);

t.test("looking leaves nothing behind", async (t) => {
  const { of, stateDir } = await examine(t);
  t.match(of("disk writing"), { verdict: "ok" });
  t.same(readdirSync(stateDir), ["provision.json"]);
});

t.test("a disk that nobody can write to is a failure", async (t) => {
  // Root may write anywhere but where nothing can be.
  const config = await examine(t, { stateIn: "/proc" });
  t.equal(config.verdict, "fail");
  t.match(config.of("disk writing"), { verdict: "fail", fix: /read-only/ });
});
