import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { repositoryRoot } from "../../scripts/setup.mjs";
import { monotonicMs } from "../../src/domain/time.ts";
import type { Measurement } from "../bench/measurement.ts";
import { readBenchConfig } from "./bench/bench-config.ts";
import { openBenchTarget } from "./bench-target.ts";
import { compileProgram } from "./compiled-program.ts";
import { type GuestImage, prepareGuestImage } from "./kernel/guest-image.ts";
import { openKernelTarget } from "./kernel/kernel-target.ts";
import { RigMissing, requireRigParts } from "./kernel/missing-parts.ts";
import type { OpenTarget, TargetOptions } from "./open-target.ts";
import { provisionWorld } from "./provisioned-world.ts";
import type { TargetKind } from "./rig-target.ts";
import type { Scenario, ScenarioResult } from "./scenario.ts";
import { openSimTarget } from "./sim-target.ts";

const scenarioFolder = join(import.meta.dirname, "scenarios");

/** Kernel, programs and logs; ignored by git, and kept. */
const rigFolder: string = join(repositoryRoot, ".rig");

const runsKeptMax = 60;

/** What scenarios run on, brought up to date once for all of them. */
export interface RigParts {
  open(target: TargetKind, options: Omit<TargetOptions, "program" | "world">): Promise<OpenTarget>;
}

export interface ScenarioRun {
  readonly scenario: Scenario;
  readonly target: TargetKind;
  readonly result: ScenarioResult;
  readonly seconds: number;
  readonly folder: string;
}

/** All scenarios there are, by name. */
export async function findScenarios(): Promise<readonly Scenario[]> {
  const files = (await readdir(scenarioFolder)).filter((file) => file.endsWith(".ts")).toSorted();
  const modules = await Promise.all(
    files.map(
      async (file): Promise<unknown> => import(pathToFileURL(join(scenarioFolder, file)).href),
    ),
  );
  return modules.flatMap((module) => (hasScenario(module) ? [module.scenario] : []));
}

function hasScenario(module: unknown): module is { readonly scenario: Scenario } {
  return typeof module === "object" && module !== null && "scenario" in module;
}

/**
 * Builds what is missing or older than the sources. A target that cannot be had here is said to be
 * missing when it is opened, with what it lacks: its scenarios are then skipped, each by name.
 */
export async function prepareRig(
  targets: readonly TargetKind[],
  { say, bench }: { readonly say: (text: string) => void; readonly bench?: string | undefined },
): Promise<RigParts> {
  const program = join(rigFolder, "program");
  await compileProgram(program);
  const world = await provisionWorld({ program, folder: join(rigFolder, "worlds") });
  const image = targets.includes("kernel") ? await guestImage(say) : undefined;
  return {
    open: async (target, options) => {
      const all = { ...options, program, world };
      if (target === "sim") return openSimTarget(all);
      if (image instanceof RigMissing) throw image;
      if (target === "kernel" && image !== undefined) return openKernelTarget({ ...all, image });
      if (bench === undefined) throw new RigMissing("--bench says where the bench's wiring stands");
      return openBenchTarget({ ...all, config: readBenchConfig(bench) });
    },
  };
}

async function guestImage(say: (text: string) => void): Promise<GuestImage | RigMissing> {
  try {
    requireRigParts();
    return await prepareGuestImage({ folder: rigFolder, say });
  } catch (error) {
    if (error instanceof RigMissing) return error;
    throw error;
  }
}

/** One scenario on one target, to its end; its logs are in a folder of `.rig/runs`. Never throws. */
export async function runScenario(options: {
  readonly parts: RigParts;
  readonly scenario: Scenario;
  readonly target: TargetKind;
  readonly seed: number;
  readonly isSmoke: boolean;
  readonly count: number | undefined;
}): Promise<ScenarioRun> {
  const { parts, scenario, target, seed, isSmoke, count } = options;
  const folder = newRunFolder(`${scenario.name}-${target}`);
  const clock = createSystemClock({ quality: () => "unknown" });
  const started = clock.monotonic();
  const secondsNow = () => (clock.monotonic() - started) / 1_000;
  const note = (text: string) => {
    appendFileSync(
      join(folder, "scenario.log"),
      `${secondsNow().toFixed(3).padStart(9)} ${text}\n`,
    );
  };
  note(`${scenario.name} on ${target}, seed ${seed}: ${scenario.title}`);
  let open: OpenTarget | undefined;
  const opened = async (): Promise<OpenTarget> => {
    open = await parts.open(target, { scenario, folder, isSmoke, count, seed, note });
    return open;
  };
  let giveUp: (() => void) | undefined;
  const tooLong = new Promise<ScenarioResult>((resolve) => {
    const at = monotonicMs(started + scenario.secondsMax * 1_000);
    const alarm = clock.alarm(at, () => {
      const summary = `not done after ${scenario.secondsMax} s`;
      resolve({ kind: "failed", summary });
    });
    giveUp = () => alarm.cancel();
  });
  const attempt = opened()
    .then(({ rig }) => scenario.run(rig))
    .catch((error: unknown) => failureOf(error));
  const result = await Promise.race([attempt, tooLong]);
  giveUp?.();
  await open?.close().catch((error: unknown) => note(`closing: ${String(error)}`));
  note(`${result.kind}: ${result.summary}`);
  return { scenario, target, result, seconds: secondsNow(), folder };
}

/** Of its own, because another command may be playing the same scenario. The oldest make room. */
function newRunFolder(name: string): string {
  const runs = join(rigFolder, "runs");
  mkdirSync(runs, { recursive: true });
  const age = (entry: string) =>
    statSync(join(runs, entry), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const old = readdirSync(runs).toSorted((a, b) => age(b) - age(a));
  for (const entry of old.slice(runsKeptMax))
    rmSync(join(runs, entry), { recursive: true, force: true });
  return mkdtempSync(join(runs, `${name}-`));
}

function failureOf(error: unknown): ScenarioResult {
  if (error instanceof RigMissing) return { kind: "skipped", summary: error.message };
  const summary = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: "failed", summary };
}

export function measurementsOf(run: ScenarioRun): readonly Measurement[] {
  return run.result.kind === "skipped" ? [] : (run.result.measurements ?? []);
}
