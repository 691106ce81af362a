import type { Duplex } from "node:stream";
import type { JournalEntry } from "../domain/event.ts";
import type { Result } from "../domain/result.ts";
import { unreachable } from "../domain/unreachable.ts";
import { LineSplitter } from "../protocols/local/line-splitter.ts";
import {
  type EventsArgs,
  type ExplainArgs,
  encodeLocalResponse,
  eventsLimitDefault,
  type ForgiveArgs,
  type LinesArgs,
  type LocalFault,
  type LocalRequest,
  type LocalResponse,
  localRequestBytesMax,
  type OverrideArgs,
  parseLocalRequest,
} from "../protocols/local/local-message.ts";
import type {
  LocalExplanation,
  LocalForgiven,
  LocalOverridden,
  LocalStatus,
} from "../protocols/local/local-reports.ts";
import type { BenchHandlers } from "./bench-handlers.ts";
import type { LocalFeed } from "./local-feed.ts";

/** Clients beyond this are told so and sent away: a forgotten script must not eat the daemon. */
export const localClientsMax = 16;
/** Requests that one client may send ahead while an earlier one is being answered. */
const waitingRequestsMax = 16;
/** Journal entries that are in memory for one client at a time. */
const entriesAtOnce = 200;
/** What a stream begins with, for the eye to have something to hold on to. */
const followedAtFirst = 10;

/** The part of the journal that a technician may see. `Journal` is one. */
export interface LocalJournal {
  /** Durable entries after number `after`, oldest first, at most `limit`. */
  read(range: { readonly after: number; readonly limit: number }): Promise<readonly JournalEntry[]>;
  highest(): number;
  onCommitted(listener: () => void): () => void;
}

export interface LocalHandlers extends BenchHandlers {
  status(): LocalStatus;
  /** The fault names the field: see `presentedCard`. */
  explain(args: ExplainArgs): Result<LocalExplanation, LocalFault>;
  /** Resolves when the disk has it, or will not. */
  override(args: OverrideArgs): Promise<Result<LocalOverridden, LocalFault>>;
  forgive(args: ForgiveArgs): LocalForgiven;
  readonly journal: LocalJournal;
}

export interface LocalServerOptions {
  readonly handlers: LocalHandlers;
  /** What a handler threw; its client is told only that it failed. */
  readonly onFailure: (error: unknown) => void;
}

export interface LocalServer {
  /**
   * Serves one client until it leaves. The stream must allow half-open use: a client may send its
   * request and end its side before it reads the answer. Nothing that a client does throws here.
   */
  handleConnection(stream: Duplex): void;
  /** Ends every connection. */
  close(): void;
}

export function createLocalServer(options: LocalServerOptions): LocalServer {
  const clients = new Set<LocalClient>();
  return {
    handleConnection: (stream) => {
      // A client that vanished while we write is its own business.
      stream.on("error", () => stream.destroy());
      if (clients.size >= localClientsMax) {
        const message = `${localClientsMax} clients are connected already`;
        const refusal = encodeLocalResponse(errorResponse(null, { code: "busy", message }));
        stream.end(refusal, () => stream.destroy());
        return;
      }
      const client = new LocalClient(stream, options);
      clients.add(client);
      stream.on("close", () => clients.delete(client));
    },
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

/** Answers one client's requests one after the other, so that it can hold up nobody but itself. */
class LocalClient {
  readonly #stream: Duplex;
  readonly #options: LocalServerOptions;
  readonly #splitter = new LineSplitter(localRequestBytesMax);
  readonly #waiting: string[] = [];
  #isAnswering = false;
  #hasEnded = false;
  #wake: () => void = () => {};

  constructor(stream: Duplex, options: LocalServerOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on("data", (chunk: Buffer) => this.#received(chunk));
    stream.on("end", () => this.#ended());
    stream.on("close", () => this.#ended());
    stream.on("drain", () => this.#wake());
  }

  close(): void {
    this.#stream.destroy();
  }

  #received(chunk: Buffer): void {
    if (this.#hasEnded) return;
    const lines = this.#splitter.push(chunk);
    if (!lines.ok || this.#waiting.length + lines.value.length > waitingRequestsMax) {
      const message = lines.ok
        ? `at most ${waitingRequestsMax} requests ahead of their answers`
        : `a request has at most ${localRequestBytesMax} bytes`;
      const refusal = encodeLocalResponse(errorResponse(null, { code: "too_long", message }));
      this.#stream.end(refusal, () => this.#stream.destroy());
      this.#ended();
      return;
    }
    this.#waiting.push(...lines.value.filter((line) => line !== ""));
    this.#answerWaiting();
  }

  #ended(): void {
    this.#hasEnded = true;
    this.#wake();
    if (!this.#isAnswering) this.#stream.end();
  }

  #answerWaiting(): void {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    this.#answerAll().catch((error: unknown) => {
      this.#options.onFailure(error);
      this.#stream.destroy();
    });
  }

  async #answerAll(): Promise<void> {
    for (;;) {
      const line = this.#waiting.shift();
      if (line === undefined) break;
      const request = parseLocalRequest(line);
      if (request.ok) await this.#answer(request.value);
      else this.#send(errorResponse(request.fault.id, request.fault.error));
    }
    // In the same turn as the look at the queue: a line that came in between would wait for ever.
    this.#isAnswering = false;
    if (this.#hasEnded) this.#stream.end();
  }

  async #answer(request: LocalRequest): Promise<void> {
    const { handlers } = this.#options;
    try {
      switch (request.verb) {
        case "status":
          this.#send({ id: request.id, kind: "value", value: handlers.status() });
          return;
        case "explain":
          return this.#sendResult(request.id, handlers.explain(request.args));
        case "override":
          return this.#sendResult(request.id, await handlers.override(request.args));
        case "forgive":
          this.#send({ id: request.id, kind: "value", value: handlers.forgive(request.args) });
          return;
        case "events":
          await this.#answerEvents(request.id, request.args);
          return;
        case "lines":
          return await this.#answerFeed(request.id, handlers.lines(), request.args);
        case "watch_reader": {
          const feed = handlers.watchReader(request.args);
          return await this.#answerFeed(request.id, feed, { follow: true });
        }
        case "pulse":
          return this.#sendResult(request.id, handlers.pulse(request.args));
        case "show_light":
          return this.#sendResult(request.id, handlers.showLight(request.args));
        default:
          return unreachable(request);
      }
    } catch (error) {
      this.#options.onFailure(error);
      const message = "the controller could not do this; its log says why";
      this.#send(errorResponse(request.id, { code: "failed", message }));
    }
  }

  async #answerEvents(id: number, { after, limit, follow }: EventsArgs): Promise<void> {
    const { journal } = this.#options.handlers;
    const newest = limit ?? (follow ? followedAtFirst : eventsLimitDefault);
    let position = after ?? Math.max(0, journal.highest() - newest);
    let left = follow || (after !== undefined && limit === undefined) ? Infinity : newest;
    const stopListening = journal.onCommitted(() => this.#wake());
    try {
      while (left > 0 && this.#wantsMore(follow)) {
        const seen = journal.highest();
        const entries = await journal.read({
          after: position,
          limit: Math.min(left, entriesAtOnce),
        });
        for (const entry of entries) {
          if (!this.#wantsMore(follow)) return;
          await this.#sendInTurn({ id, kind: "item", item: entry });
          position = entry.number;
          left -= 1;
        }
        if (entries.length > 0) continue;
        if (!follow) break;
        if (journal.highest() === seen && this.#wantsMore(follow)) await this.#untilWoken();
      }
    } finally {
      stopListening();
    }
    if (!follow) this.#send({ id, kind: "end" });
  }

  async #answerFeed(
    id: number,
    opened: Result<LocalFeed, LocalFault>,
    { follow }: LinesArgs,
  ): Promise<void> {
    if (!opened.ok) return this.#sendResult(id, opened);
    const feed = opened.value;
    feed.onNews(() => this.#wake());
    try {
      while (this.#wantsMore(follow)) {
        const item = feed.take();
        if (item !== undefined) await this.#sendInTurn({ id, kind: "item", item });
        else if (follow) await this.#untilWoken();
        else break;
      }
    } finally {
      feed.close();
    }
    if (!follow) this.#send({ id, kind: "end" });
  }

  /** A client that has ended its side still wants its answer, but leaves a stream without an end. */
  #wantsMore(follow: boolean): boolean {
    return this.#stream.writable && !(follow && this.#hasEnded);
  }

  #sendResult(id: number, result: Result<unknown, LocalFault>): void {
    if (result.ok) this.#send({ id, kind: "value", value: result.value });
    else this.#send(errorResponse(id, result.fault));
  }

  #send(response: LocalResponse): boolean {
    return this.#stream.writable && this.#stream.write(encodeLocalResponse(response));
  }

  /** What a slow client has not read yet stays in the journal and not in memory. */
  async #sendInTurn(response: LocalResponse): Promise<void> {
    if (!this.#send(response)) {
      while (this.#stream.writable && this.#stream.writableNeedDrain) await this.#untilWoken();
    }
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function errorResponse(id: number | null, error: LocalFault): LocalResponse {
  return { id, kind: "error", error };
}
