import { framesScenario } from "../frames.ts";
import type { Scenario } from "../scenario.ts";

export const scenario: Scenario = framesScenario({
  name: "frames-200us-stall",
  intervalUs: 200,
  load: "stall",
  targets: ["kernel", "bench"],
  isSmoke: true,
});
