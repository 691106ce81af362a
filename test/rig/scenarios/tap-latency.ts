import { measureTaps } from "../bench/measure-taps.ts";
import type { Scenario } from "../scenario.ts";
import { verdict } from "../verdict.ts";

const counts = { smoke: 10, full: 400 };

const hogCount = 2;

export const scenario: Scenario = {
  name: "tap-latency",
  title: "From a card's last bit to its strike, on an idle machine and under a CPU hog",
  targets: ["sim", "kernel", "bench"],
  time: "exact",
  isSmoke: false,
  secondsMax: 14_400,
  run: async (rig) => {
    const count = rig.count ?? counts[rig.isSmoke ? "smoke" : "full"];
    const measurements = await measureTaps(rig, { count, subject: "postern", hogCount });
    const lost = measurements.filter(({ unit, value }) => unit === "%" && value > 0);
    return verdict(
      lost.map(({ name, value }) => `${name}: ${value} %`),
      measurements.map(({ name, value, unit }) => `${name} ${value} ${unit}`).join(", "),
      measurements,
    );
  },
};
