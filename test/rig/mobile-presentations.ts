import { measurePhones } from "./measure-phones.ts";
import type { Scenario } from "./scenario.ts";
import { verdict } from "./verdict.ts";

const counts = { smoke: 10, full: 200 };
/** One in so many in the full form, which costs both ends the most. */
const fullShare = 5;

/** Ada's phone opens the front door, time after time; both radios by one driver. */
export function mobilePresentations(of: {
  readonly name: string;
  readonly profile: string;
  readonly driver: "abandonware" | "stoprocent";
}): Scenario {
  const { name, profile, driver } = of;
  return {
    name,
    title: `A phone that is known opens its door each time, both radios by ${driver}`,
    targets: ["kernel"],
    time: "exact",
    devices: ["bluetooth"],
    profile,
    isSmoke: driver === "abandonware",
    secondsMax: 14_400,
    run: async (rig) => {
      const count = rig.count ?? counts[rig.isSmoke ? "smoke" : "full"];
      const fullCount = Math.max(1, Math.floor(count / fullShare));
      await rig.controller.start();
      const file = await rig.phonesFile();
      const flags = ["--driver", driver];
      const full = await measurePhones(rig, { form: "full", times: fullCount, file, flags });
      const times = count - fullCount;
      const fast = await measurePhones(rig, { form: "fast", times, file, flags });
      return verdict([...full.faults, ...fast.faults], `${full.summary}; ${fast.summary}`, [
        ...full.measurements,
        ...fast.measurements,
      ]);
    },
  };
}
