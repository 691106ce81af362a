import type { Alarm, Clock } from "../../hal/clock.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import { monotonicMs } from "../domain/time.ts";
import { type EventFilter, matchesFilter } from "./event-query.ts";
import type { StoredEvent } from "./event-row.ts";
import type { SiteEngine } from "./site-engine.ts";
import { eventJson } from "./site-json.ts";
import type { SiteLog } from "./site-log.ts";

/** Listeners at a time; one more is refused. */
export const listenersMax = 64;
/** Something is said at least so often, or what lies between would take the connection for dead. */
export const heartbeatMs = 15_000;
/** Whoever takes nothing for so many heartbeats is cut, and comes back to where they were. */
export const heartbeatsMissedMax = 4;

/** Events of one reading of what is stored. */
const pageLimit = 100;
/** What may lie ready for a listener; what comes after is read again once there is room. */
const readyBytesMax = 64 * 1_024;

export interface EventStreamParts {
  readonly engine: Pick<SiteEngine, "events">;
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  readonly log: SiteLog;
}

export interface ListenOptions {
  readonly filter: EventFilter;
  /** The position that the listener had last; absent: what happens from now on. */
  readonly after?: number;
  /** Asked at each heartbeat; false ends the stream. */
  readonly isAllowed: () => Promise<boolean>;
}

/**
 * Events as server-sent events, each once and in order. A listener is told what was just stored where
 * it has all before that; else it reads what is stored, at its own pace: between what is stored and
 * what is live there is no seam, and nobody's slowness is kept in memory.
 */
export class EventStream {
  readonly #parts: EventStreamParts;
  readonly #listeners = new Set<Listener>();
  #heartbeat: Alarm | undefined;
  #isClosed = false;

  constructor(parts: EventStreamParts) {
    this.#parts = parts;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Stored just now, in order. */
  publish(stored: readonly StoredEvent[]): void {
    for (const listener of this.#listeners) listener.offer(stored);
  }

  /**
   * Undefined: there are too many listeners. `unknown_position`: there is no such event yet, so that
   * the listener's position is from before the site was restored from a copy.
   */
  async listen(options: ListenOptions): Promise<Response | "unknown_position" | undefined> {
    if (this.#isClosed || this.#listeners.size >= listenersMax) return undefined;
    const { engine } = this.#parts;
    const newest = (await engine.events({ limit: 1 })).events.at(-1)?.position ?? 0;
    const { after = newest } = options;
    if (after > newest) return "unknown_position";
    // Others may have come meanwhile.
    if (this.#isClosed || this.#listeners.size >= listenersMax) return undefined;
    const listener: Listener = new Listener({
      ...options,
      after,
      read: (from) => engine.events({ ...options.filter, after: from, limit: pageLimit }),
      left: (failure) => {
        if (failure !== undefined) {
          this.#parts.log.warn({ failure: describeFailure(failure) }, "a stream of events ended");
        }
        this.#listeners.delete(listener);
        if (this.#listeners.size === 0) this.#stopHeart();
      },
    });
    this.#listeners.add(listener);
    if (this.#heartbeat === undefined) this.#beat();
    return new Response(listener.body, {
      headers: { "content-type": "text/event-stream", "x-accel-buffering": "no" },
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const listener of this.#listeners) listener.end();
    this.#stopHeart();
  }

  /** One timer for all, while anybody listens. */
  #beat(): void {
    const { clock } = this.#parts;
    this.#heartbeat = clock.alarm(monotonicMs(clock.monotonic() + heartbeatMs), () => {
      this.#beat();
      for (const listener of this.#listeners) listener.beat();
    });
  }

  #stopHeart(): void {
    this.#heartbeat?.cancel();
    this.#heartbeat = undefined;
  }
}

interface ListenerParts extends ListenOptions {
  readonly after: number;
  readonly read: (after: number) => ReturnType<SiteEngine["events"]>;
  /** Called once. */
  readonly left: (failure: unknown) => void;
}

class Listener {
  readonly body: ReadableStream<Uint8Array>;
  readonly #parts: ListenerParts;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** All that matches up to here has been said. */
  #through: number;
  /** There is something behind `#through` that was not looked at. */
  #isBehind = true;
  #isReading = false;
  #missedCount = 0;
  #isOver = false;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    this.#through = parts.after;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          // How long a browser waits before it comes back.
          this.#say("retry: 2000\n\n");
        },
        pull: () => {
          this.#missedCount = 0;
          this.#catchUp();
        },
        cancel: () => this.#leave(undefined),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: readyBytesMax }),
    );
  }

  offer(stored: readonly StoredEvent[]): void {
    const first = stored[0]?.position;
    const last = stored.at(-1)?.position;
    if (first === undefined || last === undefined || last <= this.#through) return;
    const isNext = !this.#isReading && first <= this.#through + 1;
    if (!isNext || !this.#hasRoom()) {
      this.#isBehind = true;
      this.#catchUp();
      return;
    }
    this.#tell(stored.filter(({ position }) => position > this.#through));
    this.#through = last;
  }

  /** Says how far it is, so that whoever comes back need not be looked for from long ago. */
  beat(): void {
    this.#missedCount += 1;
    if (!this.#hasRoom()) {
      if (this.#missedCount > heartbeatsMissedMax) this.end();
      return;
    }
    this.#missedCount = 0;
    this.#say(`: heartbeat\nid: ${this.#through}\n\n`);
    this.#parts.isAllowed().then(
      (isAllowed) => {
        if (!isAllowed) this.end();
      },
      // Whether it is allowed cannot be asked now; it is asked again.
      () => undefined,
    );
  }

  end(): void {
    if (this.#isOver) return;
    this.#leave(undefined);
    this.#controller?.close();
  }

  #leave(failure: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.left(failure);
  }

  #hasRoom(): boolean {
    return !this.#isOver && (this.#controller?.desiredSize ?? 0) > 0;
  }

  #catchUp(): void {
    if (this.#isReading || !this.#isBehind || !this.#hasRoom()) return;
    this.#isReading = true;
    this.#readPages().then(
      () => {
        this.#isReading = false;
        // It was offered something, or there was room again, just when it ended.
        this.#catchUp();
      },
      (error: unknown) => {
        this.#isReading = false;
        if (this.#isOver) return;
        this.#leave(error);
        this.#controller?.close();
      },
    );
  }

  async #readPages(): Promise<void> {
    while (this.#isBehind && this.#hasRoom()) {
      // What is stored from here on is either in the page or offered after it.
      this.#isBehind = false;
      const page = await this.#parts.read(this.#through);
      if (this.#isOver) return;
      this.#tell(page.events);
      this.#through = Math.max(this.#through, page.through);
      if (page.more) this.#isBehind = true;
    }
  }

  #tell(events: readonly StoredEvent[]): void {
    const text = events
      .filter((event) => matchesFilter(this.#parts.filter, event))
      .map((event) => `id: ${event.position}\ndata: ${JSON.stringify(eventJson(event))}\n\n`)
      .join("");
    if (text !== "") this.#say(text);
  }

  #say(text: string): void {
    if (!this.#isOver) this.#controller?.enqueue(this.#encoder.encode(text));
  }
}
