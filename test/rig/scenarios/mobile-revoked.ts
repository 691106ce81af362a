import { usePhone } from "../phone-runs.ts";
import { untilPhoneHears } from "../phone-waits.ts";
import type { RigSite } from "../rig-target.ts";
import { front } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { verdict } from "../verdict.ts";

interface Credential {
  readonly acs_credential_id: string;
  readonly display_name: string;
}

/** Ada's one phone: her pass for phones stays, and so do her cards. */
async function revokePhone(site: RigSite): Promise<void> {
  const { acs_credentials: all } = (await site.call("POST", "/acs/credentials/list", {})) as {
    readonly acs_credentials: readonly Credential[];
  };
  const phones = all.filter(({ display_name }) => /^Phone [0-9a-f]+$/.test(display_name));
  const [phone] = phones;
  if (phone === undefined || phones.length > 1) {
    throw new Error(`expected one phone in ${all.map(({ display_name }) => display_name).join()}`);
  }
  const { acs_credential_id } = phone;
  await site.call("POST", "/acs/credentials/delete", { acs_credential_id });
}

export const scenario: Scenario = {
  name: "mobile-revoked",
  title:
    "A phone that is revoked is denied as soon as its door has heard of it, in the fast form too",
  targets: ["kernel"],
  // The site is on the host.
  time: "free",
  devices: ["bluetooth"],
  profile: "two-doors-mobile",
  isSmoke: false,
  secondsMax: 3_600,
  run: async (rig) => {
    await rig.controller.start();
    const site = await rig.startSite();
    const file = await rig.phonesFile();
    const faults: string[] = [];
    const before = await usePhone(rig, { action: "present", file, times: 2 });
    const heard = before.map(({ result, form }) => `${result} ${form}`).join(", ");
    // The fast form is what must not outlive the pass.
    if (!/granted .*, granted fast/.test(heard)) faults.push(`before: ${heard}`);
    await revokePhone(site);
    const denied = await untilPhoneHears(rig, { action: "present", file, result: "denied" });
    const moves = async () =>
      (await rig.strikeChanges()).filter(
        ({ door, state }) => door === front && state === "released",
      ).length;
    const movesThen = await moves();
    const after = await usePhone(rig, { action: "present", file, times: 3 });
    const others = after.filter(({ result }) => result !== "denied");
    if (others.length > 0) faults.push(`afterwards: ${others.map(({ result }) => result).join()}`);
    if ((await moves()) !== movesThen) faults.push("the strike moved for a revoked phone");
    return verdict(
      faults,
      `before ${heard}; denied at try ${denied} and ${after.length} times more`,
    );
  },
};
