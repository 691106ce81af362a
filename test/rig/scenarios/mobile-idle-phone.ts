import type { Scenario } from "../scenario.ts";
import { suiteVerdict } from "../suite-verdict.ts";

export const scenario: Scenario = {
  name: "mobile-idle-phone",
  title: "A phone that connects and says nothing is dropped, and the next one is served",
  targets: ["kernel"],
  time: "exact",
  devices: ["bluetooth"],
  profile: "two-doors-mobile",
  isSmoke: true,
  secondsMax: 3_600,
  run: async (rig) => {
    await rig.controller.start();
    const args = ["idle", await rig.phonesFile()];
    return suiteVerdict(rig, { file: "mobile-attacks-kernel.js", args, waits: "leap" });
  },
};
