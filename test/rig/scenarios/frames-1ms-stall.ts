import { framesScenario } from "../frames.ts";
import type { Scenario } from "../scenario.ts";

export const scenario: Scenario = framesScenario({
  name: "frames-1ms-stall",
  intervalUs: 1000,
  load: "stall",
  targets: ["kernel", "bench"],
  isSmoke: false,
});
