import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStack, type Stack } from "../e2e/stack.ts";
import { decideAfterIssue } from "./issue/decide-after-issue.ts";
import { importPeople } from "./issue/import-people.ts";
import { SiteCaller } from "./issue/site-caller.ts";
import type { Measurement } from "./measurement.ts";
import type { Readings } from "./readings.ts";

export const name = "issue";

const fullScale = { people: 250_000, passes: 300, coldPasses: 30 };
const smokeScale = { people: 400, passes: 5, coldPasses: 1 };

/**
 * From a call of the API to the door that decides by it, and a whole site's worth of people from a file:
 * the site's own process, the controller's own, the embedded broker, the simulated board.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  const scale = smoke ? smokeScale : fullScale;
  const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
  const stack = await createStack();
  try {
    await stack.start();
    return await measure(stack, { ...scale, folder });
  } finally {
    await stack.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Work {
  readonly people: number;
  readonly passes: number;
  readonly coldPasses: number;
  readonly folder: string;
}

async function measure(stack: Stack, work: Work): Promise<readonly Measurement[]> {
  const { people, passes, coldPasses, folder } = work;
  const caller = new SiteCaller(stack.siteUrl, await stack.apiKey());
  await decideAfterIssue({ stack, caller, passes: coldPasses });
  const small = await decideAfterIssue({ stack, caller, passes });
  const imported = await importPeople({ stack, caller, people, folder });
  const large = await decideAfterIssue({ stack, caller, passes });
  const whole = `import of ${people} users`;
  return [
    ...ofReadings("API call to the door's decision, small site", small),
    measurement(whole, imported.seconds, "s"),
    measurement(`${whole}, rate`, people / imported.seconds, "users/s"),
    ...ofReadings(`reading API call during ${whole}`, imported.reads),
    ...ofReadings(`changing API call during ${whole}`, imported.changes),
    ...ofReadings(`API call to the door's decision, ${people} users`, large),
  ];
}

function ofReadings(of: string, readings: Readings): readonly Measurement[] {
  return [
    measurement(`${of} p50`, readings.percentile(0.5), "ms"),
    measurement(`${of} p99`, readings.percentile(0.99), "ms"),
  ];
}

const measurement = (of: string, value: number, unit: string): Measurement => ({
  name: of,
  subject: "postern",
  value,
  unit,
});
