import type { Scenario } from "../scenario.ts";
import { suiteVerdict } from "../suite-verdict.ts";

const counts = { smoke: 20, full: 200 };
const drivers = ["abandonware", "stoprocent"];

export const scenario: Scenario = {
  name: "ble-advertising",
  title: "A reader can be found again after every phone, replugged adapter and dead driver",
  targets: ["kernel"],
  time: "exact",
  devices: ["bluetooth"],
  isSmoke: false,
  secondsMax: 14_400,
  run: async (rig) => {
    const count = rig.count ?? counts[rig.isSmoke ? "smoke" : "full"];
    const results = [];
    for (const driver of drivers) {
      const { kind, summary } = await suiteVerdict(rig, {
        file: "ble-advertising-kernel.js",
        args: [driver, `${count}`],
        secondsMax: 86_400,
        // Most of its time it waits for a driver to have worked for long enough.
        waits: "leap",
      });
      results.push({ kind, summary: `${driver}: ${summary}` });
    }
    const isPassed = results.every(({ kind }) => kind === "passed");
    const summary = results.map((result) => result.summary).join("; ");
    return { kind: isPassed ? "passed" : "failed", summary };
  },
};
