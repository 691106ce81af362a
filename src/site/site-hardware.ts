import type { Clock } from "../../hal/clock.ts";
import { ActionAttempts } from "./action-attempts.ts";
import { type CardWriter, Encoders } from "./encoders.ts";
import { Enrolments } from "./enrolments.ts";
import type { Issuer } from "./issuer.ts";
import type { Notices } from "./notices.ts";
import { RemoteUnlock } from "./remote-unlock.ts";
import type { SiteLog } from "./site-log.ts";

export interface SiteHardwareParts {
  readonly issuer: Issuer;
  readonly clock: Pick<Clock, "wall" | "monotonic">;
  readonly log: SiteLog;
  /** Told of the ends of unlockings; absent: nobody is. */
  readonly notices?: Pick<Notices, "add">;
  /** What writes cards; none by default. */
  readonly writers?: readonly CardWriter[];
}

/** What people have doors, readers and encoders do, beside what is issued. */
export interface SiteHardware {
  readonly attempts: ActionAttempts;
  readonly enrolments: Enrolments;
  readonly unlocking: RemoteUnlock;
  readonly encoders: Encoders;
  /**
   * When all that was under way has been written down: the engine ends its commands first. The store and
   * the engine are whoever's that opened them.
   */
  close(): Promise<void>;
}

export async function openSiteHardware(parts: SiteHardwareParts): Promise<SiteHardware> {
  const { issuer, writers = [] } = parts;
  const attempts = new ActionAttempts({ ...parts, store: issuer.store });
  await attempts.open();
  const shared = { ...parts, attempts };
  const enrolments = new Enrolments(shared);
  const unlocking = new RemoteUnlock(shared);
  const encoders = new Encoders({ ...shared, writers });
  return {
    attempts,
    enrolments,
    unlocking,
    encoders,
    close: async () => {
      await Promise.all([enrolments.close(), unlocking.close(), encoders.close()]);
    },
  };
}
