import { epochMs } from "../../../src/domain/time.ts";
import type { RigTarget } from "../rig-target.ts";
import { adaCard, bitsOf, front, frontReader } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { tap } from "../tap.ts";
import { verdict } from "../verdict.ts";

/** Nobody but the chip can know of this hour. */
const aheadMs = 3_600_000;

export const scenario: Scenario = {
  name: "clock-flat",
  title:
    "A clock chip whose battery lasted is believed, one that stood still is not, and doors open",
  targets: ["kernel"],
  time: "exact",
  devices: ["expander", "clock_chip"],
  profile: "with-chips",
  isSmoke: true,
  secondsMax: 1_800,
  run: async (rig) => {
    const faults: string[] = [];
    const at = epochMs(Date.now() + aheadMs);
    // First: what a chip has vouched for once holds until the machine is switched off.
    await rig.setClockChip({ at, oscillator: "stopped" });
    await rig.controller.start({ settings: { clock_quality: "ntp" } });
    const flat = await statusOf(rig);
    if (flat.clock.quality !== "unknown") faults.push(`a flat chip: ${flat.clock.quality}`);
    if (flat.clock.at >= at) faults.push("a flat chip's time is followed");
    if (!flat.troubles.includes("clock_chip_stopped")) {
      faults.push(`a flat chip is no trouble: ${flat.troubles.join(", ")}`);
    }
    const slots = bitsOf(adaCard);
    const { released } = await tap(rig, { reader: frontReader, door: front, slots });
    if (released === undefined) faults.push("a card without a time limit does not open");
    await rig.controller.stop();

    await rig.setClockChip({ at, oscillator: "kept" });
    await rig.controller.start({ settings: { clock_quality: "ntp" } });
    const kept = await statusOf(rig);
    if (kept.clock.quality !== "holdover") faults.push(`a kept chip: ${kept.clock.quality}`);
    const isFollowed = kept.clock.at >= at && kept.clock.at < at + aheadMs;
    if (!isFollowed) faults.push(`the chip's time is not followed: ${kept.clock.at}, not ${at}`);
    return verdict(faults, `${flat.clock.quality}, then ${kept.clock.quality}`);
  },
};

interface StatusSaid {
  readonly clock: { readonly at: number; readonly quality: string };
  readonly troubles: readonly string[];
}

async function statusOf(rig: RigTarget): Promise<StatusSaid> {
  const { code, stdout, stderr } = await rig.controller.postern(["status", "--json"]);
  if (code !== 0) throw new Error(`postern status: ${stderr}`);
  return JSON.parse(stdout) as StatusSaid;
}
