import { framesScenario } from "../frames.ts";
import type { Scenario } from "../scenario.ts";

export const scenario: Scenario = framesScenario({
  name: "frames-1ms-hog",
  intervalUs: 1000,
  load: "hog",
  targets: ["sim", "kernel", "bench"],
  isSmoke: false,
});
