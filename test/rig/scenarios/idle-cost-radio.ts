import { measureIdle } from "../measure-idle.ts";
import type { Scenario } from "../scenario.ts";

export const scenario: Scenario = {
  name: "idle-cost-radio",
  title:
    "An idle controller whose reader takes phones costs as little, as does its radio's process",
  targets: ["kernel"],
  time: "exact",
  devices: ["bluetooth"],
  profile: "two-doors-mobile",
  isSmoke: false,
  secondsMax: 3_600,
  run: measureIdle,
};
