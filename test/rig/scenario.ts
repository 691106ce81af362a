import type { Measurement } from "../bench/measurement.ts";
import type { RigTarget, RigTime, TargetKind } from "./rig-target.ts";

/** What one scenario found out, in a line for a person. A failed assertion may be thrown instead. */
export type ScenarioResult =
  /** `summary` says what was seen, with its numbers: "2,000 of 2,000 frames, worst gap 3 us". */
  | {
      readonly kind: "passed";
      readonly summary: string;
      readonly measurements?: readonly Measurement[];
    }
  | {
      readonly kind: "failed";
      readonly summary: string;
      readonly measurements?: readonly Measurement[];
    }
  /** Something that this target lacks; `summary` says what. */
  | { readonly kind: "skipped"; readonly summary: string };

/** Written once, and played on every target that it names. `test/rig/scenarios/NAME.ts` exports it. */
export interface Scenario {
  /** The file's name, for the command line. */
  readonly name: string;
  /** A sentence about the door or the wire. */
  readonly title: string;
  readonly targets: readonly TargetKind[];
  /** How the kernel target's time has to run. Other targets have one time only. */
  readonly time: RigTime;
  /** Part of CI. It then honours `rig.isSmoke`, and is done in a minute or so. */
  readonly isSmoke: boolean;
  /** Of the host's clock. A target that takes longer hangs: it is ended and the scenario has failed. */
  readonly secondsMax: number;
  /** The kernel target runs the controller as its unit, under the real systemd as process 1. */
  readonly init?: "plain" | "systemd";
  /** Devices that the kernel target's board has only where they are asked for. */
  readonly devices?: readonly RigDevice[];
  /** The board: a file of `test/rig/boards`, without `.toml`. `two-doors` where not said. */
  readonly profile?: string;
  run(rig: RigTarget): Promise<ScenarioResult>;
}

/**
 * `expander`: an MCP23017 at 0x20. `clock_chip`: a DS3231 at 0x68. `disk`: the state folder is on a
 * disk that outlives a power cut, as without it nothing does. `watchdog`: a hardware watchdog. `bluetooth`:
 * adapters in range of each other, hci0 for the reader, hci1 and hci2 for phones.
 */
export type RigDevice = "expander" | "clock_chip" | "disk" | "watchdog" | "bluetooth";
