import { randomFrames } from "../frames.ts";
import { adaCard, bitsOf, front, frontReader } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { tap } from "../tap.ts";
import { verdict } from "../verdict.ts";

const counts = { smoke: 100, full: 4_000 };

/** Nobody holds cards to a reader faster, but a reader that has gone mad may. */
const restMs = 6;

export const scenario: Scenario = {
  name: "full-speed",
  title:
    "Two readers that send card after card are decided one by one, and a good card still opens",
  targets: ["sim", "kernel", "bench"],
  time: "exact",
  isSmoke: false,
  secondsMax: 14_400,
  run: async (rig) => {
    const faults: string[] = [];
    await rig.controller.start();
    const count = rig.count ?? counts[rig.isSmoke ? "smoke" : "full"];
    const presentations = randomFrames(rig.seed, count);
    const before = await rig.controller.usage();
    await rig.present({ presentations, restMs });
    const after = await rig.controller.usage();
    if (before === undefined || after === undefined) throw new Error("no controller runs");
    const wrong = (await rig.strikeChanges(before.at)).filter(({ state }) => state === "released");
    if (wrong.length > 0) faults.push(`${wrong.length} strangers were let in`);
    await rig.idle(200);
    const slots = bitsOf(adaCard);
    const { released, latencyUs } = await tap(rig, { reader: frontReader, door: front, slots });
    if (released === undefined) faults.push("a good card behind them does not open");
    const { stdout } = await rig.controller.postern(["status", "--json"]);
    const { readers } = JSON.parse(stdout) as {
      readonly readers: readonly { readonly frameCount: number }[];
    };
    const decided = readers.reduce((sum, { frameCount }) => sum + frameCount, 0);
    const expected = presentations.length + 1;
    // The simulated board hands edges over by timers: on a busy machine it bends frames by itself.
    if (decided !== expected && rig.kind !== "sim")
      faults.push(`${decided} cards were read, expected ${expected}`);
    const cpu = (100 * (after.cpuMs - before.cpuMs)) / ((after.at - before.at) / 1e6);
    const mebibytes = after.rssBytes / 1024 / 1024;
    return verdict(
      faults,
      `${presentations.length} cards, CPU ${cpu.toFixed(1)} %, RSS ${mebibytes.toFixed(1)} MiB, ` +
        `the good card after ${(latencyUs / 1_000).toFixed(1)} ms`,
      [
        { name: "full speed RSS", subject: "postern", value: mebibytes, unit: "MiB" },
        { name: "full speed CPU", subject: "postern", value: cpu, unit: "% of a core" },
      ],
    );
  },
};
