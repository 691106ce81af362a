import { join } from "node:path";
import type { Scenario } from "../scenario.ts";

export const scenario: Scenario = {
  name: "i2c-conformance",
  title: "What is promised of I2C chips holds on a real kernel's bus, for chips that come and go",
  targets: ["kernel"],
  time: "free",
  devices: ["expander", "clock_chip"],
  isSmoke: true,
  secondsMax: 900,
  run: async (rig) => {
    const suite = join(rig.programFolder, "test/conformance/i2c-kernel.js");
    const { code, stdout, stderr } = await rig.run(["node", suite]);
    rig.note(`${stdout}${stderr}`);
    const passed = [...stdout.matchAll(/^ {4}ok /gm)].length;
    const failed = [...stdout.matchAll(/^ *not ok [0-9]+ - (.*)$/gm)].map(([, name]) => name);
    const summary = `${passed} assertions held${failed.length > 0 ? `; not: ${failed[0]}` : ""}`;
    return { kind: code === 0 && passed > 0 ? "passed" : "failed", summary };
  },
};
