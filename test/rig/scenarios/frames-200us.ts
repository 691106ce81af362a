import { framesScenario } from "../frames.ts";
import type { Scenario } from "../scenario.ts";

export const scenario: Scenario = framesScenario({
  name: "frames-200us",
  intervalUs: 200,
  load: "idle",
  targets: ["sim", "kernel", "bench"],
  isSmoke: false,
});
