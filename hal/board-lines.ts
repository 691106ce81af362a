import type { Level } from "./gpio.ts";

/** One line of a board as it is now, for whoever stands before it with a meter. */
export interface BoardLineState {
  readonly line: string;
  readonly direction: "input" | "output";
  /** What is wired to it, as `strike of door front`. */
  readonly use: string;
  /**
   * What an input reads, or what an output was last driven to, which is not a measurement. Null where the
   * chip does not answer.
   */
  readonly level: Level | null;
  /** What that level says there, as `released`. */
  readonly meaning: string;
  /** Edges of an input and changes of an output since it was opened: what came and went between two looks. */
  readonly changeCount: number;
}

/** Every line that a board has opened. Looking changes nothing. */
export interface BoardLines {
  /** In the order in which they were opened. */
  names(): readonly string[];

  /** Undefined for a line that is not among `names`. Never throws. */
  state(line: string): BoardLineState | undefined;

  /**
   * Calls `onChange` with the name of each line at each change, between the edge and the strike: it must
   * take note and return. The function that comes back ends it.
   */
  watch(onChange: (line: string) => void): () => void;
}
