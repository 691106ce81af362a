import type { MonotonicMs } from "../../src/domain/time.ts";
import type { Clock } from "../clock.ts";
import type { ServiceManager } from "../service-manager.ts";

/** A word that a service manager heard, and when. */
export interface ServiceWord {
  readonly said: "ready" | "alive" | "stopping" | { readonly status: string };
  readonly at: MonotonicMs;
}

/** Keeps what it hears, and tells how a watchdog would have judged it. */
export class SimServiceManager implements ServiceManager {
  readonly watchdogMs: number | undefined;
  readonly #clock: Clock;
  readonly #heard: ServiceWord[] = [];

  constructor(options: { readonly clock: Clock; readonly watchdogMs?: number }) {
    this.watchdogMs = options.watchdogMs;
    this.#clock = options.clock;
  }

  heard(): readonly ServiceWord[] {
    return this.#heard;
  }

  /** Whether the process would have been killed by now, for having been silent since it was ready. */
  isOverdue(): boolean {
    const last = this.#heard.findLast(({ said }) => said === "alive" || said === "ready");
    if (last === undefined || this.watchdogMs === undefined) return false;
    return this.#clock.monotonic() - last.at > this.watchdogMs;
  }

  ready(): void {
    this.#hear("ready");
  }

  alive(): void {
    this.#hear("alive");
  }

  stopping(): void {
    this.#hear("stopping");
  }

  status(text: string): void {
    this.#hear({ status: text });
  }

  #hear(said: ServiceWord["said"]): void {
    this.#heard.push({ said, at: this.#clock.monotonic() });
  }
}
