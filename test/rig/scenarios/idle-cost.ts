import type { Scenario } from "../scenario.ts";
import { verdict } from "../verdict.ts";

const idleMs = 60_000;
/** What starting leaves to be done: the journal's commit, V8's own. */
const settleMs = 20_000;

const rssBytesMax = 90 * 1024 * 1024;
const cpuShareMax = 0.01;

export const scenario: Scenario = {
  name: "idle-cost",
  title:
    "A controller with nothing to do takes 90 MB and 1 % of a core at most, and writes nothing",
  // The simulated board has a web server in it.
  targets: ["kernel", "bench"],
  time: "exact",
  // The unit's own settings are part of what it takes.
  init: "systemd",
  isSmoke: false,
  secondsMax: 3_600,
  run: async (rig) => {
    await rig.controller.start();
    await rig.idle(settleMs);
    const before = await rig.controller.usage();
    await rig.idle(idleMs);
    const after = await rig.controller.usage();
    if (before === undefined || after === undefined) throw new Error("no controller runs");
    const ms = (after.at - before.at) / 1e6;
    const cpuShare = (after.cpuMs - before.cpuMs) / ms;
    const written = after.writtenBytes - before.writtenBytes;
    const faults: string[] = [];
    if (after.rssBytes > rssBytesMax) faults.push("more memory than it may take");
    if (cpuShare > cpuShareMax) faults.push("more of a core than it may take");
    if (written > 0) faults.push("it wrote");
    const mebibytes = after.rssBytes / 1024 / 1024;
    return verdict(
      faults,
      `RSS ${mebibytes.toFixed(1)} MiB, CPU ${(100 * cpuShare).toFixed(2)} %, ${written} bytes ` +
        `written in ${(ms / 1_000).toFixed(0)} s`,
      [
        { name: "idle RSS", subject: "postern", value: mebibytes, unit: "MiB" },
        { name: "idle CPU", subject: "postern", value: 100 * cpuShare, unit: "% of a core" },
        { name: "idle writes", subject: "postern", value: written, unit: "bytes" },
      ],
    );
  },
};
