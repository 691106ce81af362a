import { LRUCache } from "lru-cache";
import type { MonotonicMs } from "../../domain/time.ts";

/** So many at once, and so many a second for as long as it goes on. */
export interface RateLimit {
  readonly burst: number;
  readonly perSecond: number;
}

/** Of one API key. A site's own tools stay below it; a loop that ran wild does not. */
export const keyRateLimit: RateLimit = { burst: 2_000, perSecond: 1_000 };

/** Of one address whose keys are wrong: a person who mistyped, not a program that guesses. */
export const wrongKeyRateLimit: RateLimit = { burst: 20, perSecond: 0.5 };

/** Beyond it the longest unused begins anew. */
const bucketsMax = 10_000;

interface Bucket {
  left: number;
  at: MonotonicMs;
}

export interface RateVerdict {
  readonly allowed: boolean;
  /** Whole requests that are left at once. */
  readonly left: number;
  /** Until the next one is allowed; 0 where one is. */
  readonly waitMs: number;
}

/** A token bucket for each name. */
export class RateLimiter {
  readonly limit: RateLimit;
  readonly #buckets = new LRUCache<string, Bucket>({ max: bucketsMax });

  constructor(limit: RateLimit) {
    this.limit = limit;
  }

  take(name: string, now: MonotonicMs): RateVerdict {
    const { burst, perSecond } = this.limit;
    const bucket = this.#buckets.get(name) ?? { left: burst, at: now };
    const left = Math.min(burst, bucket.left + ((now - bucket.at) / 1_000) * perSecond);
    const allowed = left >= 1;
    const after = allowed ? left - 1 : left;
    this.#buckets.set(name, { left: after, at: now });
    return {
      allowed,
      left: Math.floor(after),
      waitMs: after >= 1 ? 0 : Math.ceil(((1 - after) / perSecond) * 1_000),
    };
  }
}
