import type { PremisesFound } from "../../../src/controller/premises-lines.ts";
import type { AfterRestart, PremisesChange } from "../../../src/core/premises-memory.ts";
import { areaId, type DoorId, doorId, passId, userId } from "../../../src/domain/ids.ts";
import { type MonotonicMs, monotonicMs } from "../../../src/domain/time.ts";

export const visit = passId("visit");
export const front = doorId("front");
export const lab = areaId("lab");
export const ada = userId("ada");
export const bob = userId("bob");

/** An empty disk. */
export const nothingFound: PremisesFound = {
  values: new Map(),
  state: "whole",
  damages: [],
};

export function spent(count: number, pass = visit): PremisesChange {
  return { kind: "spent", pass, spent: count };
}

export function entered(
  user = ada,
  options: {
    readonly at?: MonotonicMs;
    readonly door?: DoorId;
    readonly afterRestart?: AfterRestart;
  } = {},
): PremisesChange {
  const { at = monotonicMs(1_000_000), door = front, afterRestart = "remember" } = options;
  const passage = { user, to: lab, isManager: user === ada };
  return { kind: "moved", passage, door, at, afterRestart };
}

/** Keeps what it was told that was new, in order, and tells it on. */
export class TroubleList {
  readonly said: string[] = [];
  readonly #active = new Set<string>();
  readonly #tell: (text: string) => void;

  constructor(tell: (text: string) => void = () => undefined) {
    this.#tell = tell;
  }

  raise(trouble: string): void {
    if (this.#active.has(trouble)) return;
    this.#active.add(trouble);
    this.#say(`raised ${trouble}`);
  }

  clear(trouble: string): void {
    if (this.#active.delete(trouble)) this.#say(`cleared ${trouble}`);
  }

  #say(text: string): void {
    this.said.push(text);
    this.#tell(text);
  }
}
