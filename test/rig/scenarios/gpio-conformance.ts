import { join } from "node:path";
import type { Scenario } from "../scenario.ts";

export const scenario: Scenario = {
  name: "gpio-conformance",
  title: "What is promised of GPIO lines holds for both drivers, on a real kernel's chips",
  targets: ["kernel"],
  time: "exact",
  isSmoke: true,
  secondsMax: 900,
  run: async (rig) => {
    const suite = join(rig.programFolder, "test/conformance/gpio-kernel.js");
    const { code, stdout, stderr } = await rig.run(["env", "TAP_TIMEOUT=3600", "node", suite], {
      secondsMax: 3_600,
    });
    rig.note(`${stdout}${stderr}`);
    const passed = [...stdout.matchAll(/^ {8}ok /gm)].length;
    const failed = [...stdout.matchAll(/^ *not ok [0-9]+ - (.*)$/gm)].map(([, name]) => name);
    const summary = `${passed} assertions held${failed.length > 0 ? `; not: ${failed[0]}` : ""}`;
    return { kind: code === 0 && passed > 0 ? "passed" : "failed", summary };
  },
};
