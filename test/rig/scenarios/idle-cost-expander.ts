import { measureIdle } from "../measure-idle.ts";
import type { Scenario } from "../scenario.ts";

export const scenario: Scenario = {
  name: "idle-cost-expander",
  title: "An idle controller that must ask an expander for its inputs costs as little",
  targets: ["kernel"],
  time: "exact",
  init: "systemd",
  devices: ["expander", "clock_chip"],
  profile: "with-chips",
  isSmoke: false,
  secondsMax: 3_600,
  run: measureIdle,
};
