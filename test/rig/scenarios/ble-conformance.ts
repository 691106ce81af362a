import type { Scenario } from "../scenario.ts";
import { suiteVerdict } from "../suite-verdict.ts";

export const scenario: Scenario = {
  name: "ble-conformance",
  title: "What is promised of a reader's radio holds for both drivers, between a kernel's adapters",
  targets: ["kernel"],
  time: "exact",
  devices: ["bluetooth"],
  isSmoke: true,
  secondsMax: 3_600,
  run: (rig) => suiteVerdict(rig, { file: "ble-kernel.js", secondsMax: 3_600, waits: "leap" }),
};
