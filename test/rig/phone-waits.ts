import { type PhonePlan, usePhone } from "./phone-runs.ts";
import type { RigTarget } from "./rig-target.ts";

/** In the guest a try takes ten seconds and more; what a site says is at its door within one. */
const triesMax = 12;

/** Has the phone try until it hears this, and says which try it was; throws where it never does. */
export async function untilPhoneHears(
  rig: RigTarget,
  { result: wanted, ...plan }: PhonePlan & { readonly result: string },
): Promise<number> {
  const heard: string[] = [];
  for (let attempt = 1; attempt <= triesMax; attempt += 1) {
    const [run] = await usePhone(rig, plan);
    if (run?.result === wanted) return attempt;
    heard.push(run?.result ?? "nothing");
  }
  throw new Error(`the phone heard ${heard.join(", ")}, and never ${wanted}`);
}
