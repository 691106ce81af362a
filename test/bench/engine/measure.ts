// `measure.ts PASSES CHANGES CROWD` plays the process of a site: the engine is in a thread of its own.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { siteId } from "../../../src/domain/ids.ts";
import type { ModelChange } from "../../../src/site/model-change.ts";
import { startEngineThread } from "../compiled/site-program.ts";
import { Readings } from "../readings.ts";
import { residentBytes } from "../resident-memory.ts";
import { passesChanged, wholeSite } from "./site-change.ts";

export interface MeasuredEngine {
  readonly firstMs: number;
  readonly firstHoldUpMs: number;
  readonly oneP50Ms: number;
  readonly oneP99Ms: number;
  /** Of all threads, for one change. */
  readonly oneCpuMs: number;
  readonly crowdMs: number;
  readonly crowdHoldUpMs: number;
  /** Of the whole process, more than before there was anybody. */
  readonly residentBytes: number;
}

const [passCount = 0, changeCount = 0, crowdCount = 0] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), "postern-bench-"));
const { engine } = await startEngineThread(
  // Nobody listens there: what is published is lost, and what it costs to make it is measured.
  {
    stateFolder: folder,
    site: siteId("bench"),
    brokerUrl: "mqtt://127.0.0.1:1",
    logLevel: "error",
  },
  { events: () => undefined, controllerChanged: () => undefined },
);
const before = await residentBytes();

interface Applied {
  readonly tookMs: number;
  /** The longest that this thread did nothing for anybody meanwhile. */
  readonly holdUpMs: number;
}

async function apply(change: ModelChange): Promise<Applied> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startedAt = performance.now();
  const applied = await engine.apply(change);
  const tookMs = performance.now() - startedAt;
  delay.disable();
  if (!applied.ok) throw new Error(JSON.stringify(applied.fault));
  return { tookMs, holdUpMs: delay.max / 1e6 };
}

const first = await apply(wholeSite(passCount));
const resident = (await residentBytes()) - before;
const one = new Readings();
const cpu = process.cpuUsage();
for (let change = 1; change <= changeCount; change += 1) {
  const { tookMs } = await apply(passesChanged([(change * 7_919) % passCount], change));
  one.add(tookMs);
}
const { user, system } = process.cpuUsage(cpu);
const crowd = await apply(
  passesChanged(
    Array.from({ length: crowdCount }, (_, number) => number),
    2 * changeCount + 1,
  ),
);
await engine.close();
rmSync(folder, { recursive: true });
const measured: MeasuredEngine = {
  firstMs: first.tookMs,
  firstHoldUpMs: first.holdUpMs,
  oneP50Ms: one.percentile(0.5),
  oneP99Ms: one.percentile(0.99),
  oneCpuMs: (user + system) / 1_000 / changeCount,
  crowdMs: crowd.tookMs,
  crowdHoldUpMs: crowd.holdUpMs,
  residentBytes: resident,
};
process.stdout.write(JSON.stringify(measured));
