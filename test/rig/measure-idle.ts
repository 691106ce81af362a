import type { RigTarget } from "./rig-target.ts";
import type { ScenarioResult } from "./scenario.ts";
import { verdict } from "./verdict.ts";

const idleMs = 60_000;
/** What starting leaves to be done: the journal's commit, V8's own. */
const settleMs = 20_000;

const mebibyte = 1024 * 1024;
const rssMebibytesMax = 90;
const cpuPercentMax = 1;

/**
 * Starts the controller and lets it be for a minute. Failed if it takes more than 90 MB, 1 % of a core with
 * the processes that it started, or a write. What those hold of memory is told, and may be as much again.
 */
export async function measureIdle(rig: RigTarget): Promise<ScenarioResult> {
  await rig.controller.start();
  await rig.idle(settleMs);
  const before = await rig.controller.usage();
  await rig.idle(idleMs);
  const after = await rig.controller.usage();
  if (before === undefined || after === undefined) throw new Error("no controller runs");
  const ms = (after.at - before.at) / 1e6;
  const percent = (100 * (after.cpuMs - before.cpuMs)) / ms;
  const written = after.writtenBytes - before.writtenBytes;
  const mebibytes = after.rssBytes / mebibyte;
  const childMebibytes = after.childRssBytes / mebibyte;
  const faults: string[] = [];
  if (mebibytes > rssMebibytesMax) faults.push("more memory than it may take");
  if (childMebibytes > rssMebibytesMax)
    faults.push("what it started takes more memory than it may");
  if (percent > cpuPercentMax) faults.push("more of a core than it may take");
  if (written > 0) faults.push("it wrote");
  const others = childMebibytes > 0 ? ` and ${childMebibytes.toFixed(1)} beside it` : "";
  return verdict(
    faults,
    `RSS ${mebibytes.toFixed(1)} MiB${others}, CPU ${percent.toFixed(2)} %, ${written} bytes ` +
      `written in ${(ms / 1_000).toFixed(0)} s`,
    [
      { name: "idle RSS", subject: "postern", value: mebibytes, unit: "MiB" },
      { name: "idle CPU", subject: "postern", value: percent, unit: "% of a core" },
      { name: "idle writes", subject: "postern", value: written, unit: "bytes" },
    ],
  );
}
