import type { RigTarget } from "../rig-target.ts";
import { adaCard, bitsOf, front, frontReader } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { tap } from "../tap.ts";
import { verdict } from "../verdict.ts";

const unit = "postern-controller.service";
/** Of `systemd-analyze security`, in tenths. */
const exposureMax = 20;

export const scenario: Scenario = {
  name: "unit-privileges",
  title: "The daemon opens doors with no privilege, and secures them when its unit is stopped",
  targets: ["kernel", "bench"],
  time: "exact",
  init: "systemd",
  isSmoke: false,
  secondsMax: 3_600,
  run: async (rig) => {
    const faults: string[] = [];
    const { pid } = await rig.controller.start();
    const status = await said(rig, ["cat", `/proc/${pid}/status`]);
    const expected = ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"];
    for (const line of [...expected, "Seccomp:\t2", "THP_enabled:\t0"]) {
      if (!status.includes(line)) faults.push(`expected "${line}"`);
    }
    if (/^Uid:\t0\t/m.test(status)) faults.push("it runs as root");
    const threshold = `--threshold=${exposureMax}`;
    const judged = await rig.run(["systemd-analyze", "--no-pager", "security", threshold, unit]);
    const exposure = /exposure level for \S+: ([0-9.]+)/.exec(judged.stdout)?.[1] ?? "unknown";
    if (judged.code !== 0) faults.push(`an exposure of ${exposure}`);

    const slots = bitsOf(adaCard);
    const { released } = await tap(rig, { reader: frontReader, door: front, slots });
    if (released === undefined) faults.push("the card moved nothing");
    await rig.controller.stop();
    if ((await rig.strike(front)) !== "secured") faults.push("a stop left the strike released");
    const result = await said(rig, ["systemctl", "show", "-p", "Result", "-p", "NRestarts", unit]);
    if (!result.includes("Result=success")) faults.push(`its end was a failure: ${result}`);
    if (!result.includes("NRestarts=0")) faults.push(`it did not run through: ${result}`);
    return verdict(faults, `exposure ${exposure}, no capability; stopped with the strike secured`);
  },
};

async function said(rig: RigTarget, command: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await rig.run(command);
  if (code !== 0) throw new Error(`${command.join(" ")}: ${code} ${stderr}`);
  return stdout;
}
