import type { Leaf, RexState } from "../../../hal/door-inputs.ts";
import type { StrikeCommand } from "../../../hal/strike.ts";
import type { DoorId, ReaderId } from "../../../src/domain/ids.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { type EdgeNs, edgeNs } from "../../../src/domain/time.ts";
import type { StrikeChange } from "../rig-target.ts";

interface BoardSaid {
  readonly doors: Readonly<Record<string, { readonly strike: StrikeCommand }>>;
  readonly atNs: number;
  readonly changed: string | null;
}

/** As the simulated board's own readers send; it cannot do otherwise. */
export const simPulseUs = 50;
export const simIntervalUs = 1_000;

/** The outside of a controller's simulated board: the routes of `hal/sim/board-face.ts`. */
export class BoardClient {
  readonly #url: string;
  readonly #stop = new AbortController();

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Tells each change of a strike's line until the board is gone. Resolves once the stream stands, so
   * that nothing after it is missed.
   */
  async watch(changed: (change: StrikeChange) => void): Promise<void> {
    const response = await fetch(`${this.#url}/sim/stream`, { signal: this.#stop.signal });
    const { body } = response;
    if (!response.ok || body === null) throw new Error(`the board's stream: ${response.status}`);
    // Its end is the board's, or ours.
    this.#follow(body, changed).catch(() => undefined);
  }

  async #follow(
    body: ReadableStream<Uint8Array>,
    changed: (change: StrikeChange) => void,
  ): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines.filter((one) => one.startsWith("data: "))) {
        const change = strikeChangeOf(JSON.parse(line.slice("data: ".length)) as BoardSaid);
        if (change !== undefined) changed(change);
      }
    }
  }

  async strike(door: DoorId): Promise<StrikeCommand> {
    const said = (await this.#ask("GET", "/sim")) as BoardSaid;
    const state = said.doors[door]?.strike;
    if (state === undefined) throw new Error(`the board has no door ${door}`);
    return state;
  }

  /** The beginning of the last pulse. */
  async card(reader: ReaderId, bits: string): Promise<EdgeNs> {
    return lastPulseAt(await this.#ask("POST", `/sim/readers/${reader}/card`, { bits }));
  }

  async keys(reader: ReaderId, keys: string): Promise<EdgeNs> {
    return lastPulseAt(await this.#ask("POST", `/sim/readers/${reader}/keys`, { keys }));
  }

  async leaf(door: DoorId, leaf: Leaf): Promise<void> {
    await this.#ask("POST", `/sim/doors/${door}/contact`, { leaf });
  }

  async rex(door: DoorId, state: RexState): Promise<void> {
    await this.#ask("POST", `/sim/doors/${door}/rex`, { pressed: state === "pressed" });
  }

  /** From now on each bit of any reader brings its other line down with it, or none does. */
  async bothLow(state: "on" | "off"): Promise<void> {
    const board = state === "on" ? { bothLow: 1 } : {};
    await this.#ask("POST", "/sim/faults", { seed: 0, board });
  }

  close(): void {
    this.#stop.abort();
  }

  async #ask(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      signal: this.#stop.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as unknown;
  }
}

function strikeChangeOf({ changed, doors, atNs }: BoardSaid): StrikeChange | undefined {
  const [, id] = /^doors\.(.+)\.strike$/.exec(changed ?? "") ?? [];
  const state = id === undefined ? undefined : doors[id]?.strike;
  if (id === undefined || state === undefined) return undefined;
  return { door: doorId(id), state, at: edgeNs(atNs) };
}

function lastPulseAt(answer: unknown): EdgeNs {
  const { lastEdgeAtNs } = answer as { readonly lastEdgeAtNs: number | null };
  if (lastEdgeAtNs === null) throw new Error("the keypad kept it to itself");
  return edgeNs(lastEdgeAtNs - simPulseUs * 1_000);
}
