import { describeFailure } from "../../domain/describe-failure.ts";
import { checkBluetooth } from "./bluetooth-check.ts";
import { checkBroker } from "./broker-check.ts";
import { checkConfig, checkDaemon, checkUnit } from "./daemon-checks.ts";
import { type Finding, failed } from "./finding.ts";
import { checkGroups } from "./group-check.ts";
import { checkAddons, checkChips, checkLines } from "./line-checks.ts";
import { checkClock, checkKernel, checkWatchdog } from "./machine-checks.ts";
import { checkDisk, checkSiteKey } from "./state-checks.ts";
import type { CheckUpSubject } from "./subject.ts";

type Look = (subject: CheckUpSubject) => readonly Finding[] | Promise<readonly Finding[]>;

const checks: readonly (readonly [name: string, look: Look])[] = [
  ["configuration", checkConfig],
  ["controller", checkDaemon],
  ["kernel", checkKernel],
  ["addon", checkAddons],
  ["gpio chips", checkChips],
  ["lines", checkLines],
  ["groups", checkGroups],
  ["clock", checkClock],
  ["disk", checkDisk],
  ["site key", checkSiteKey],
  ["broker", checkBroker],
  ["bluetooth", checkBluetooth],
  ["watchdog", checkWatchdog],
  ["systemd unit", checkUnit],
];

/** Looks at everything, whatever is found on the way. Leaves everything as it was. Never rejects. */
export async function checkUp(subject: CheckUpSubject): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [name, look] of checks) {
    try {
      findings.push(...(await look(subject)));
    } catch (error) {
      const fix = "look by hand, and tell us: nobody thought of this";
      findings.push(failed(name, `could not be looked at: ${describeFailure(error)}`, fix));
    }
  }
  return findings;
}
