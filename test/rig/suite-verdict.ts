import { join } from "node:path";
import type { RigTarget, RunOptions } from "./rig-target.ts";
import type { ScenarioResult } from "./scenario.ts";

/** Runs a file of `test/conformance` on the target, to its end, and says how it went. */
export async function suiteVerdict(
  rig: RigTarget,
  suite: { readonly file: string; readonly args?: readonly string[] } & RunOptions,
): Promise<ScenarioResult> {
  const { file, args = [], ...options } = suite;
  const path = join(rig.programFolder, "test/conformance", file);
  const { code, stdout, stderr } = await rig.run(
    ["env", `TAP_TIMEOUT=${options.secondsMax ?? 3_600}`, "node", path, ...args],
    options,
  );
  rig.note(`${stdout}${stderr}`);
  const passed = [...stdout.matchAll(/^ {4,8}ok /gm)].length;
  const failed = [...stdout.matchAll(/^ *not ok [0-9]+ - (.*)$/gm)].map(([, name]) => name);
  const said = [...stdout.matchAll(/^ *# (.* at worst; .*)$/gm)].map(([, comment]) => comment);
  const summary = [
    `${passed} assertions held`,
    ...said,
    ...(failed.length > 0 ? [`not: ${failed[0]}`] : []),
  ].join("; ");
  return { kind: code === 0 && passed > 0 ? "passed" : "failed", summary };
}
