import type { Clock } from "../../hal/clock.ts";
import { HalError } from "../domain/hal-error.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import { type ControllerStatus, encodeStatus } from "../protocols/sync/status-message.ts";
import { Deadline } from "./deadline.ts";

export type OnlineStatus = Extract<ControllerStatus, { online: true }>;

/** Changes within this time go out as one. */
const quietMs = 1_000;
/**
 * That another table is in force is acknowledged at once, and in the status only for those who look
 * later: when a thousand controllers take a change, their statuses would hold up the changes of others.
 */
const tableQuietMs = 2_000;

export interface StatusPublisherOptions {
  readonly link: Pick<BrokerLink, "publish">;
  readonly topic: string;
  readonly clock: Clock;
  readonly status: () => OnlineStatus;
}

/** Keeps the retained status as it is: said when it changed, never on a tick. */
export class StatusPublisher {
  readonly #options: StatusPublisherOptions;
  readonly #due: Deadline;
  #isUp = false;
  #said: string | undefined;
  #saidAt: MonotonicMs | undefined;
  /** The same without the table. */
  #saidBeside: string | undefined;

  constructor(options: StatusPublisherOptions) {
    this.#options = options;
    this.#due = new Deadline(options.clock, () => this.#say());
  }

  up(): void {
    this.#isUp = true;
    // The broker has published our will meanwhile, or has forgotten everything.
    this.#said = undefined;
    this.#say();
  }

  down(): void {
    this.#isUp = false;
    this.#due.set(undefined);
  }

  /** Cheap where nothing changed. */
  changed(): void {
    const status = this.#options.status();
    if (!this.#isUp || essence(status) === this.#said) return;
    const now = this.#options.clock.monotonic();
    const earliestAt = monotonicMs((this.#saidAt ?? now) + quietMs);
    if (this.#said !== undefined && besideTable(status) === this.#saidBeside) {
      if (!this.#due.isSet) this.#due.set(monotonicMs(now + tableQuietMs));
    } else if (this.#saidAt === undefined || now >= earliestAt) this.#say();
    else this.#due.set(earliestAt);
  }

  /** Our will is for accidents: leaving in order, we say ourselves that we are gone. */
  async close(): Promise<void> {
    const wasUp = this.#isUp;
    this.down();
    if (wasUp) await this.#publish({ online: false });
  }

  #say(): void {
    this.#due.set(undefined);
    const status = this.#options.status();
    const said = essence(status);
    if (said === this.#said) return;
    this.#said = said;
    this.#saidBeside = besideTable(status);
    this.#saidAt = this.#options.clock.monotonic();
    void this.#publish(status);
  }

  async #publish(status: ControllerStatus): Promise<void> {
    const { link, topic } = this.#options;
    try {
      await link.publish(topic, encodeStatus(status), { qos: 1, retain: true });
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      // Said again when the link is up, or at the next change.
      this.#said = undefined;
    }
  }
}

/** All but what grows by itself. */
function essence(status: OnlineStatus): string {
  return JSON.stringify({ ...status, tableAgeMs: undefined });
}

function besideTable(status: OnlineStatus): string {
  return JSON.stringify({ ...status, tableAgeMs: undefined, table: undefined });
}
