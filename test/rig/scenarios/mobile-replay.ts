import { front } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { suiteRun } from "../suite-verdict.ts";
import { verdict } from "../verdict.ts";

/** In either form. */
const replayCount = 2;

export const scenario: Scenario = {
  name: "mobile-replay",
  title: "A session that was recorded and is sent again moves no strike",
  targets: ["kernel"],
  time: "exact",
  devices: ["bluetooth"],
  profile: "two-doors-mobile",
  isSmoke: true,
  secondsMax: 3_600,
  run: async (rig) => {
    await rig.controller.start();
    const args = ["replay", await rig.phonesFile()];
    const suite = { file: "mobile-attacks-kernel.js", args, waits: "leap" } as const;
    const { result, stdout } = await suiteRun(rig, suite);
    const instants = (what: string) =>
      [...stdout.matchAll(new RegExp(`# ${what} at ([0-9.]+) ms`, "g"))].map(([, ms]) =>
        Number(ms),
      );
    const [begun, over] = [instants("replay"), instants("over")];
    const faults = result.kind === "passed" ? [] : [result.summary];
    if (begun.length !== replayCount || over.length !== replayCount)
      faults.push("not all replayed");
    const released = (await rig.strikeChanges()).filter(
      ({ door, state }) => door === front && state === "released",
    );
    for (const [index, from] of begun.entries()) {
      const to = over[index] ?? from;
      const moved = released.some(({ at }) => at >= from * 1e6 && at <= to * 1e6);
      if (moved) faults.push(`replay ${index} moved the strike`);
    }
    // Else nothing would have been shown: the sessions that were recorded did move it.
    if (released.length !== replayCount) faults.push(`the strike moved ${released.length} times`);
    const summary = `${begun.length} sessions replayed, ${released.length} moves, all of them granted`;
    return verdict(faults, summary);
  },
};
