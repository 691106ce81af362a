import { join } from "node:path";
import type { RigTarget, RunOptions } from "./rig-target.ts";
import type { ScenarioResult } from "./scenario.ts";

export interface SuiteRun {
  readonly result: ScenarioResult;
  readonly stdout: string;
}

type Suite = { readonly file: string; readonly args?: readonly string[] } & RunOptions;

/** Runs a file of `test/conformance` on the target, to its end, and says how it went. */
export async function suiteRun(rig: RigTarget, suite: Suite): Promise<SuiteRun> {
  const { file, args = [], secondsMax = 3_600, ...others } = suite;
  const path = join(rig.programFolder, "test/conformance", file);
  const { code, stdout, stderr } = await rig.run(
    ["env", `TAP_TIMEOUT=${secondsMax}`, "node", path, ...args],
    { secondsMax, ...others },
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
  const kind = code === 0 && passed > 0 ? "passed" : "failed";
  return { result: { kind, summary }, stdout };
}

export async function suiteVerdict(rig: RigTarget, suite: Suite): Promise<ScenarioResult> {
  return (await suiteRun(rig, suite)).result;
}
