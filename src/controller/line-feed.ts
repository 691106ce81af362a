import type { BoardLines } from "../../hal/board-lines.ts";
import type { Alarm, Clock } from "../../hal/clock.ts";
import { monotonicMs } from "../domain/time.ts";
import type { LocalLine } from "../protocols/local/local-reports.ts";
import type { LocalFeed } from "./local-feed.ts";

/** A line of a reader has thousands of edges a second; a person can read some of them. */
const toldEachMs = 50;

/** Every line of a board, and then those that changed, each at most once in `toldEachMs`. */
export class LineFeed implements LocalFeed {
  readonly #lines: BoardLines;
  readonly #clock: Clock;
  readonly #ready: Set<string>;
  readonly #changed = new Set<string>();
  readonly #stopWatching: () => void;
  #alarm: Alarm | undefined;
  #onNews: () => void = () => undefined;

  constructor(lines: BoardLines, clock: Clock) {
    this.#lines = lines;
    this.#clock = clock;
    this.#ready = new Set(lines.names());
    this.#stopWatching = lines.watch((line) => this.#note(line));
  }

  take(): LocalLine | undefined {
    const [line] = this.#ready;
    if (line === undefined) return undefined;
    this.#ready.delete(line);
    return this.#lines.state(line);
  }

  onNews(listener: () => void): void {
    this.#onNews = listener;
  }

  close(): void {
    this.#stopWatching();
    this.#alarm?.cancel();
  }

  #note(line: string): void {
    this.#changed.add(line);
    if (this.#alarm !== undefined) return;
    const tellAt = monotonicMs(this.#clock.monotonic() + toldEachMs);
    this.#alarm = this.#clock.alarm(tellAt, () => this.#tell());
  }

  #tell(): void {
    this.#alarm = undefined;
    for (const line of this.#changed) this.#ready.add(line);
    this.#changed.clear();
    this.#onNews();
  }
}
