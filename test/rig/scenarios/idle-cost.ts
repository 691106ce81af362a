import { measureIdle } from "../measure-idle.ts";
import type { Scenario } from "../scenario.ts";

export const scenario: Scenario = {
  name: "idle-cost",
  title:
    "A controller with nothing to do takes 90 MB and 1 % of a core at most, and writes nothing",
  // The simulated board has a web server in it.
  targets: ["kernel", "bench"],
  time: "exact",
  // The unit's own settings are part of what it takes.
  init: "systemd",
  isSmoke: false,
  secondsMax: 3_600,
  run: measureIdle,
};
