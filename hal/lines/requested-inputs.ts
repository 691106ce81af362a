import { type EdgeNs, edgeNs } from "../../src/domain/time.ts";
import type { Clock } from "../clock.ts";
import type { ExpanderInputs } from "./expander-inputs.ts";
import { inputsFrom } from "./mcp23017-registers.ts";

/** All requests of one expander's inputs: what is read from the chip is news to each of them. */
export class RequestedInputs {
  readonly #clock: Clock;
  readonly #requests = new Set<ExpanderInputs>();
  /** Undefined where some request has not been told them, or what was told is void. */
  #takenLevels: number | undefined;
  #soon: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#requests.size;
  }

  add(inputs: ExpanderInputs): void {
    this.#requests.add(inputs);
    this.#takenLevels = undefined;
  }

  remove(inputs: ExpanderInputs): void {
    this.#requests.delete(inputs);
  }

  /**
   * `bytes` from the interrupt flags on; `movedAt` when an interrupt told of them. Nearly always there is
   * no news, and then nothing is looked at a second time.
   */
  take(
    bytes: Uint8Array,
    movedAt?: EdgeNs,
  ): { readonly levels: number; readonly told: "news" | "nothing" } {
    const found = inputsFrom(bytes);
    const { flags, levels } = found;
    if (flags === 0 && levels === this.#takenLevels) return { levels, told: "nothing" };
    this.#takenLevels = levels;
    const now = this.#now();
    for (const inputs of this.#requests) inputs.take(found, { movedAt: movedAt ?? now, now });
    return { levels, told: "news" };
  }

  /** The chip is gone. */
  lose(): void {
    this.#takenLevels = undefined;
    const now = this.#now();
    for (const inputs of this.#requests) inputs.lose(now);
    this.handOverSoon();
  }

  handOver(): void {
    this.#soon = undefined;
    if (this.#closed) return;
    for (const inputs of [...this.#requests]) inputs.handOver();
  }

  /** Not from within a read or a write: whoever asks for one is in the middle of something. */
  handOverSoon(): void {
    this.#soon ??= setImmediate(() => this.handOver());
  }

  close(): void {
    this.#closed = true;
    clearImmediate(this.#soon);
  }

  #now(): EdgeNs {
    return edgeNs(Math.round(this.#clock.monotonic() * 1e6));
  }
}
