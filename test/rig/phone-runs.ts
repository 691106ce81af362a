import { join } from "node:path";
import type { PhoneRun } from "../../src/cli/phone-session.ts";
import type { RigTarget } from "./rig-target.ts";

export interface PhonePlan {
  readonly action: "present" | "enrol";
  /** Of `postern phone`, on the target. */
  readonly file: string;
  readonly times?: number;
  /** Further words of the command. */
  readonly flags?: readonly string[];
}

/** Between two presentations: the strike is secured again. */
const pauseMs = 1_200;
const secondsMaxEach = 120;

/** Has `ada` of the file use hci1, so often, in one process; what came of each time. */
export async function usePhone(rig: RigTarget, plan: PhonePlan): Promise<readonly PhoneRun[]> {
  const { action, file, times = 1, flags = [] } = plan;
  const repeated = action === "present" ? ["--times", `${times}`, "--pause", `${pauseMs}`] : [];
  const { code, stdout, stderr } = await rig.run(
    [
      ...["node", join(rig.programFolder, "src/main.js"), "phone", action, "ada", "--json"],
      ...["--adapter", "1", "--keys", file, ...repeated, ...flags],
    ],
    { secondsMax: secondsMaxEach * (times + 1), waits: "leap" },
  );
  rig.note(`phone ${action}: ${code}\n${stdout}${stderr}`);
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as PhoneRun);
}
