import type { Alarm, Clock } from "../../hal/clock.ts";
import type { ControllerId } from "../domain/ids.ts";
import { monotonicMs } from "../domain/time.ts";
import type { SiteLog } from "./site-log.ts";

/** How long refusals of one kind gather after the first, which is told at once. */
export const digestMs = 60_000;
/** Of those that had some, so many are named. */
const namedMax = 5;

export interface DigestParts {
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  readonly log: SiteLog;
}

interface Gathered {
  count: number;
  readonly controllers: Set<ControllerId>;
}

/**
 * Tells of messages that came to nothing. Anybody at the broker can send as many as he likes, and
 * must not fill the log's disk with them: of each reason there is a line a minute at most.
 */
export class RefusalDigest {
  readonly #clock: Pick<Clock, "monotonic" | "alarm">;
  readonly #log: SiteLog;
  /** Those of which a line went out within the last `digestMs`, and what came since. */
  #gathered = new Map<string, Gathered>();
  #alarm: Alarm | undefined;

  constructor({ clock, log }: DigestParts) {
    this.#clock = clock;
    this.#log = log;
  }

  /** `reason`: one of few words, none of which a sender can choose. */
  note(controller: ControllerId, reason: string): void {
    const gathered = this.#gathered.get(reason);
    if (gathered === undefined) {
      this.#gathered.set(reason, { count: 0, controllers: new Set() });
      this.#log.warn({ controller, reason }, "a message was refused");
      this.#arm();
      return;
    }
    gathered.count += 1;
    if (gathered.controllers.size < namedMax) gathered.controllers.add(controller);
  }

  /** What has gathered is told at once. */
  close(): void {
    this.#tell();
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#gathered.clear();
  }

  #arm(): void {
    if (this.#alarm !== undefined || this.#gathered.size === 0) return;
    this.#alarm = this.#clock.alarm(monotonicMs(this.#clock.monotonic() + digestMs), () => {
      this.#alarm = undefined;
      this.#tell();
      this.#arm();
    });
  }

  /** A reason of which nothing came is told at once when it comes again. */
  #tell(): void {
    const told = [...this.#gathered].filter(([, { count }]) => count > 0);
    for (const [reason, { count, controllers }] of told) {
      this.#log.warn({ reason, count, controllers: [...controllers] }, "messages were refused");
    }
    this.#gathered = new Map(
      told.map(([reason]) => [reason, { count: 0, controllers: new Set<ControllerId>() }]),
    );
  }
}
