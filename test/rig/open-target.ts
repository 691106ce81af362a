import type { ProvisionedWorld } from "./provisioned-world.ts";
import type { RigTarget } from "./rig-target.ts";
import type { Scenario } from "./scenario.ts";

/** What every kind of target is opened with, for one scenario. */
export interface TargetOptions {
  readonly scenario: Scenario;
  /** The compiled sources, as `compileProgram` makes them. */
  readonly program: string;
  /** Copied: a target changes nothing of it. */
  readonly world: ProvisionedWorld;
  /** For what lives as long as the target, and its logs. It is there and empty. */
  readonly folder: string;
  readonly isSmoke: boolean;
  readonly count: number | undefined;
  readonly seed: number;
  readonly note: (text: string) => void;
}

export interface OpenTarget {
  readonly rig: RigTarget;
  /** Ends all that runs on the target. Safe to call twice. */
  close(): Promise<void>;
}
