import type { Level } from "../../../hal/gpio.ts";
import type { Finished, ProcessUsage, RigTime, RunWaits } from "../rig-target.ts";

/** A level that changed on a line that the target drives. `atNs` is CLOCK_MONOTONIC, to 1 us. */
export interface LineChange {
  readonly line: string;
  readonly level: Level;
  readonly atNs: number;
}

export interface StartedProcess {
  readonly pid: number;
  readonly atNs: number;
}

type Signal = "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGINT" | "SIGUSR2";

/** All that the host can ask of the agent in the guest. */
export interface AgentCalls {
  readonly hello: {
    readonly parameters: { readonly programs: string; readonly time: RigTime };
    readonly result: { readonly kernel: string; readonly atNs: number };
  };
  /** Makes the simulated chip, with each of `levels` on its line, and watches its outputs. */
  readonly wire: {
    readonly parameters: {
      readonly label: string;
      readonly lines: readonly string[];
      readonly levels: Readonly<Record<string, Level>>;
    };
    readonly result: object;
  };
  /** Plays a plan in /rig as `wires.c` says it, but with names of lines. Its stamps go beside it. */
  readonly play: {
    readonly parameters: {
      readonly programs: string;
      readonly plan: string;
      readonly stamps: string;
    };
    readonly result: object;
  };
  readonly level: { readonly parameters: { readonly line: string }; readonly result: Level };
  readonly changes: {
    readonly parameters: { readonly sinceNs: number };
    readonly result: readonly LineChange[];
  };
  /** Null: not within the time. */
  readonly waitForLevel: {
    readonly parameters: {
      readonly line: string;
      readonly level: Level;
      readonly withinMs: number;
    };
    readonly result: LineChange | null;
  };
  readonly idle: { readonly parameters: { readonly ms: number }; readonly result: object };
  /** Starts `node ARGS…` with a channel as `postern up` has to its parts. */
  readonly start: {
    readonly parameters: {
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      /** Its priority: -20 is the highest, 0 is everyone's. */
      readonly nice: number;
      /** Resolve when it has said that it is ready; reject with its output where it ends instead. */
      readonly until: "started" | "ready";
    };
    readonly result: StartedProcess & { readonly readyAtNs: number };
  };
  /** Starts a program in the background. */
  readonly spawn: {
    readonly parameters: { readonly command: readonly string[] };
    readonly result: StartedProcess;
  };
  /** To a process that was started here; the instant at which it was sent. */
  readonly signal: {
    readonly parameters: { readonly pid: number; readonly signal: Signal };
    readonly result: { readonly atNs: number };
  };
  /** Resolves when it is over. */
  readonly exit: {
    readonly parameters: { readonly pid: number };
    readonly result: { readonly code: number | null; readonly signal: string | null };
  };
  readonly output: { readonly parameters: { readonly pid: number }; readonly result: string };
  /** Null: there is no such process. Any process of the target. */
  readonly usage: {
    readonly parameters: { readonly pid: number };
    readonly result: (Omit<ProcessUsage, "at"> & { readonly atNs: number }) | null;
  };
  readonly run: {
    readonly parameters: {
      readonly command: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
      readonly secondsMax: number;
      readonly waits?: RunWaits;
    };
    readonly result: Finished;
  };
  /** Small files only. */
  readonly write: {
    readonly parameters: { readonly file: string; readonly text: string };
    readonly result: object;
  };
  readonly read: { readonly parameters: { readonly file: string }; readonly result: string };
}

export interface AgentCall {
  readonly id: number;
  readonly name: keyof AgentCalls;
  readonly parameters: unknown;
}

export interface AgentAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
