import { type MonotonicMs, monotonicMs } from "../../domain/time.ts";
import type { TableWant } from "./table-get.ts";

/** The head is retained and comes by itself: asked for only where the broker has lost it. */
const headGraceMs = 5_000;
/** The first wait for an answer, and the longest; each that comes to nothing doubles it. */
const waitMinMs = 2_000;
const waitMaxMs = 5 * 60_000;
/** After an answer that helped and was not all. */
const restMs = 1_000;
/** The site shows itself: an answer that was long in coming is asked for again, this long after. */
const promptMs = 5_000;
/** So many in a row without an answer, and what we believe of the site may be long past. */
const patienceCount = 4;

/** What is asked of the site until it comes, and asked again. Nothing here trusts that it answers. */
export interface Ask {
  readonly want: TableWant["want"];
  readonly sentAt: MonotonicMs | undefined;
  /** When to ask, or to ask again. */
  readonly at: MonotonicMs;
  readonly waitMs: number;
  readonly fruitlessCount: number;
}

/** What was wanted until now, if anything was: its waits go on, since nothing was won. */
export function askFor(want: Ask["want"], before: Ask | undefined, now: MonotonicMs): Ask {
  if (before?.want === want) return before;
  return {
    want,
    sentAt: undefined,
    at: now,
    waitMs: before?.waitMs ?? waitMinMs,
    fruitlessCount: 0,
  };
}

/** What comes by itself is waited for first. */
export function awaitHead(now: MonotonicMs): Ask {
  return { ...askFor("head", undefined, now), at: monotonicMs(now + headGraceMs) };
}

/** It goes out now. `spread`, 0 to 1, keeps many who ask for the same from doing so in step. */
export function asked(ask: Ask, spread: number, now: MonotonicMs): Ask {
  const isAgain = ask.sentAt !== undefined;
  const waitMs = isAgain ? Math.min(ask.waitMs * 2, waitMaxMs) : ask.waitMs;
  return {
    ...ask,
    sentAt: now,
    at: monotonicMs(now + waitMs * (1 + spread / 2)),
    waitMs,
    fruitlessCount: ask.fruitlessCount + (isAgain ? 1 : 0),
  };
}

/** An answer that helped: what is still missing is asked for soon, if it does not come by itself. */
export function answered(ask: Ask, now: MonotonicMs): Ask {
  return {
    ...ask,
    sentAt: undefined,
    at: monotonicMs(now + (ask.want === "chunks" ? waitMinMs : restMs)),
    waitMs: waitMinMs,
    fruitlessCount: 0,
  };
}

/** The site is there. That may be said by anybody who kept its words, so it hurries us a little only. */
export function prompted(ask: Ask): Ask {
  if (ask.sentAt === undefined) return ask;
  return { ...ask, at: monotonicMs(Math.min(ask.at, ask.sentAt + promptMs)) };
}

/** So many in a row, and what is asked for cannot be had. */
const roundsMax = 2;

/** It went unanswered, or what came was of no use, for as often as it makes sense to try. */
export function isFruitless({ fruitlessCount }: Ask): boolean {
  return fruitlessCount >= roundsMax;
}

/** At each so many in a row that came to nothing. */
export function isPatienceOver({ fruitlessCount }: Ask): boolean {
  return fruitlessCount > 0 && fruitlessCount % patienceCount === 0;
}
