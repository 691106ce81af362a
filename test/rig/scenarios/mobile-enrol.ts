import { beginPhoneEnrolment } from "../phone-enrolment.ts";
import { usePhone } from "../phone-runs.ts";
import { untilPhoneHears } from "../phone-waits.ts";
import type { Scenario } from "../scenario.ts";
import { verdict } from "../verdict.ts";

const file = "/run/new-phones.json";

export const scenario: Scenario = {
  name: "mobile-enrol",
  title: "A new phone is enrolled at the reader that waits for it, and opens the door from then on",
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
    const faults: string[] = [];
    const moves = async () =>
      (await rig.strikeChanges()).filter(({ state }) => state === "released").length;
    const flags = ["--site-key", rig.siteKey];
    const enrol = () => usePhone(rig, { action: "enrol", file, flags });
    const [unasked] = await enrol();
    if (unasked?.result !== "not_enrolling") faults.push(`unasked: ${unasked?.result}`);
    const [unknown] = await usePhone(rig, { action: "present", file });
    if (unknown?.result !== "denied") faults.push(`not enrolled yet: ${unknown?.result}`);
    if ((await moves()) > 0) faults.push("a phone that nobody knows moved a strike");
    await beginPhoneEnrolment((method, path, body) => site.call(method, path, body));
    const taken = await untilPhoneHears(rig, { action: "enrol", file, flags, result: "enrolled" });
    if ((await moves()) > 0) faults.push("enrolling moved a strike");
    const opened = await untilPhoneHears(rig, { action: "present", file, result: "granted" });
    if ((await moves()) === 0) faults.push("the strike did not move");
    return verdict(faults, `enrolled at try ${taken}, granted at try ${opened}`);
  },
};
