import { framesScenario } from "../frames.ts";
import type { Scenario } from "../scenario.ts";

export const scenario: Scenario = framesScenario({
  name: "frames-1ms",
  intervalUs: 1000,
  load: "idle",
  targets: ["sim", "kernel", "bench"],
  isSmoke: true,
});
