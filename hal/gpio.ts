import type { EdgeNs } from "../src/domain/time.ts";
import type { OutputAddress } from "./output-address.ts";

/** The electrical level of a line: 0 low, 1 high. Polarity is the business of the device above. */
export type Level = 0 | 1;

export interface Edge {
  /** Index into the `lines` of the request that reported it. */
  readonly line: number;
  /** The level after the edge. */
  readonly level: Level;
  /** When the kernel saw it. Non-decreasing within one request, across all of its lines. */
  readonly at: EdgeNs;
  /** Counts from 1 per request; a gap says that the kernel's queue overflowed and edges were lost. */
  readonly sequence: number;
}

export interface InputRequest {
  /** Names on the board; at least one. The order gives `Edge.line`. */
  readonly lines: readonly string[];
  readonly bias: "pull_up" | "pull_down" | "none";
  /**
   * How long a level must last to be an edge, asked of the kernel where it offers that; the edge then
   * comes, and is stamped, when it has lasted. Elsewhere every edge is reported: the device above
   * debounces anyway. Never for Wiegand, whose pulses last 20 to 100 us.
   */
  readonly debounceMs?: number;
  /**
   * `pulses`: what comes are the bits of a reader, 20 to 100 us long, and each must be reported. Lines
   * that are polled refuse it with `HalError` `not_supported`.
   */
  readonly carries?: "levels" | "pulses";
}

/** Several lines read as one, so that edges of different lines arrive in the order they happened. */
export interface InputLines {
  readonly lines: readonly string[];

  /** The level now, by index into `lines`. Throws `HalError` `disconnected` when the chip is gone. */
  read(line: number): Level;

  /**
   * As `read`, of all lines in their order and at one moment, where one look is cheaper than many, as it
   * is on a chip behind a bus. Where it is absent, `read` each.
   */
  readAll?(): readonly Level[];

  /**
   * Hands each edge to `listener`, in order, possibly many at once and late: only `Edge.at` tells
   * when. One listener for the life of the request; edges before this call are not reported. The
   * listener must not throw and decides nothing slow: it runs between the kernel and the strike.
   */
  listen(listener: (edge: Edge) => void): void;

  /**
   * Calls `listener`, in order with the edges, when the chip behind the lines was found gone: from then on
   * nobody knows the level of any. When the chip is back each line is told as an edge, whether it moved or
   * not. `at` is when it was found out, by the clock of `Edge.at`. One listener. Absent where lines go
   * with the machine only.
   */
  watchLoss?(listener: (at: EdgeNs) => void): void;

  /** Frees the lines. No edge is reported afterwards. Safe to call twice. */
  close(): void;
}

/** One line that we drive. */
export interface OutputLine {
  readonly line: string;

  /** Returns when the kernel has taken the level. Throws `HalError`; the level is then unchanged. */
  drive(level: Level): void;

  /** What was last driven. This is not a measurement. */
  driven(): Level;

  /** Drives the initial level again, then frees the line. Safe to call twice. */
  close(): void;
}

export interface OutputRequest {
  readonly line: string;
  readonly initial: Level;
  /**
   * `open_drain`: 1 lets the line go and does not drive it, so that two such lines may touch, as the rows
   * of a keypad do through its keys. `push_pull` if not said.
   */
  readonly drive?: "push_pull" | "open_drain";
}

/** A board's general-purpose lines, by name. */
export interface Gpio {
  /** Throws `HalError` `not_found`, `in_use` (naming the holder where known), `not_permitted`. */
  openInputs(request: InputRequest): InputLines;

  /** `initial` is on the line before this returns: an output never starts at a level of chance. */
  openOutput(request: OutputRequest): OutputLine;

  /**
   * Where the kernel has this output, for the program that secures it when the daemon is dead. Undefined
   * where nothing outlives us, as with simulated lines. Throws as `openOutput`.
   */
  addressOf?(line: string): OutputAddress | undefined;
}
