import type { Alarm, Clock } from "../../hal/clock.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import { monotonicMs } from "../domain/time.ts";
import type { SiteLog } from "./site-log.ts";
import type { SiteStore } from "./store/site-store.ts";
import {
  type Attempted,
  type DueDelivery,
  dueDelivery,
  giveUpOldest,
  listWebhooks,
  nextDueAt,
  writeAttempt,
} from "./store/webhooks.ts";
import type { PostWebhook, WebhookAnswer } from "./webhook-post.ts";
import { signedHeaders } from "./webhook-signature.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** How long after each attempt that failed the next one is due (behaviour 41). */
export const retryAfterMs: readonly number[] = [
  5_000,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  10 * hourMs,
];

/** Attempts at a time, each to another webhook. */
export const attemptsAtOnceMax = 8;

/** What waits for one webhook; beyond that the oldest is given up. */
export const deliveriesWaitingMax = 20_000;

/** After a store that failed. */
const againMsFirst = 1_000;
const againMsMost = 60_000;
/** Wall time may be set while the timer runs. */
const timerMsMax = 10 * minuteMs;
/** Nothing is due later than this from now, or the wall clock was wrong when it was put off. */
const putOffMsMax = 10 * hourMs + minuteMs;

export interface WebhookSenderParts {
  readonly store: Pick<SiteStore, "record" | "rows">;
  readonly post: PostWebhook;
  readonly clock: Clock;
  readonly log: SiteLog;
  /** Instead of `deliveriesWaitingMax`: a test's. */
  readonly waitingMax?: number;
}

/**
 * Delivers notices to webhooks. What is to be delivered is in the store, so that nothing is lost by a
 * restart; what was cut off in the middle is sent again, under the same id. To each webhook one at a
 * time, what is due for longest first; what failed does not hold up what comes behind it.
 */
export class WebhookSender {
  readonly #parts: WebhookSenderParts;
  readonly #underWay = new Map<string, Promise<void>>();
  #looking: Promise<void> | undefined;
  #isWoken = false;
  readonly #closed = new AbortController();
  #alarm: Alarm | undefined;
  /** After a store that failed: until then nothing is sent, or it would be sent again and again. */
  #isPaused = false;
  #againMs = againMsFirst;

  constructor(parts: WebhookSenderParts) {
    this.#parts = parts;
  }

  /** There may be something due: at the start, after notices were made, when a webhook changed. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isClosed || this.#isPaused || this.#looking !== undefined) return;
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined;
      if (this.#isWoken) this.wake();
    });
  }

  /** Resolves once nothing is under way: all that is left is due later, or cannot be stored. */
  async settled(): Promise<void> {
    while (this.#looking !== undefined || this.#underWay.size > 0) {
      await Promise.all([this.#looking, ...this.#underWay.values()]);
    }
  }

  /**
   * Resolves once nothing of it is under way any more. Attempts are cut off, and made again by whoever
   * opens the store next.
   */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#alarm?.cancel();
    await this.settled();
  }

  get #isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  async #look(): Promise<void> {
    try {
      while (this.#isWoken && !this.#isClosed && !this.#isPaused) {
        this.#isWoken = false;
        await this.#startDue();
      }
    } catch (error) {
      this.#pause(error);
    }
  }

  async #startDue(): Promise<void> {
    const { rows } = this.#parts.store;
    const idle: string[] = [];
    for (const { id } of await listWebhooks(rows)) {
      if (this.#underWay.has(id)) continue;
      // Whichever of those under way ends first looks again.
      if (this.#underWay.size >= attemptsAtOnceMax) return;
      const due = await dueDelivery(rows, id, { now: this.#now(), putOffMsMax });
      if (due === undefined) idle.push(id);
      else this.#start(due);
    }
    await this.#arm(idle);
  }

  #now(): number {
    return this.#parts.clock.wall().at;
  }

  #start(due: DueDelivery): void {
    if (this.#isClosed) return;
    const attempt = this.#attempt(due)
      .then(
        () => {
          this.#againMs = againMsFirst;
        },
        (error: unknown) => this.#pause(error),
      )
      .finally(() => {
        this.#underWay.delete(due.webhookId);
        this.wake();
      });
    this.#underWay.set(due.webhookId, attempt);
  }

  async #attempt(due: DueDelivery): Promise<void> {
    const { store, post, waitingMax = deliveriesWaitingMax } = this.#parts;
    const { webhookId: webhook, url, secret, noticeId: id, body } = due;
    const headers = {
      ...signedHeaders(secret, { id, at: this.#now(), body }),
      "content-type": "application/json",
    };
    const answer = await post({ url, headers, body, signal: this.#closed.signal });
    if (this.#isClosed) return;
    const attempted = attemptedBy(answer, due.attempts, this.#now());
    const givenUpCount = await store.record(async (record) => {
      await writeAttempt(record, due, attempted);
      if (attempted.outcome === "delivered") return 0;
      return await giveUpOldest(record, webhook, waitingMax);
    });
    if (attempted.outcome === "failed") {
      const { detail } = attempted;
      this.#parts.log.warn({ webhook, notice: id, detail }, "a webhook was not told");
    }
    if (givenUpCount > 0) {
      this.#parts.log.warn({ webhook, count: givenUpCount }, "too much waits for a webhook");
    }
  }

  #pause(error: unknown): void {
    if (this.#isClosed) return;
    const { clock, log } = this.#parts;
    log.warn({ error: describeFailure(error) }, "webhooks wait for the site's store");
    this.#isPaused = true;
    this.#alarm?.cancel();
    this.#alarm = clock.alarm(monotonicMs(clock.monotonic() + this.#againMs), () => {
      this.#isPaused = false;
      this.wake();
    });
    this.#againMs = Math.min(2 * this.#againMs, againMsMost);
  }

  /** One timer for all that waits. */
  async #arm(idle: readonly string[]): Promise<void> {
    let next: number | undefined;
    for (const id of idle) {
      const at = await nextDueAt(this.#parts.store.rows, id);
      if (at !== undefined && at < (next ?? Number.POSITIVE_INFINITY)) next = at;
    }
    if (this.#isClosed || this.#isPaused) return;
    this.#alarm?.cancel();
    if (next === undefined) return;
    const { clock } = this.#parts;
    const inMs = Math.min(Math.max(0, next - this.#now()), timerMsMax);
    this.#alarm = clock.alarm(monotonicMs(clock.monotonic() + inMs), () => this.wake());
  }
}

function attemptedBy(answer: WebhookAnswer, attempts: number, now: number): Attempted {
  if (answer.kind === "answered" && answer.status >= 200 && answer.status < 300) {
    return { outcome: "delivered", detail: `status ${answer.status}`, nextAt: null };
  }
  const detail = answer.kind === "answered" ? `status ${answer.status}` : answer.why;
  const afterMs = retryAfterMs[attempts];
  if (afterMs === undefined) return { outcome: "failed", detail, nextAt: null };
  return { outcome: "pending", detail, nextAt: now + afterMs };
}
