const widthChars = 30;
const drawEveryMs = 100;

/** How far a file is, on one line of a terminal that is drawn over; in a pipe, nothing. */
export class ProgressBar {
  readonly #verb: string;
  readonly #total: number;
  readonly #out: ((text: string) => void) | undefined;
  #bytes = 0;
  #count = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(of: {
    readonly verb: string;
    /** Bytes. */
    readonly total: number;
    readonly draw: "shown" | "hidden";
    readonly out: (text: string) => void;
  }) {
    this.#verb = of.verb;
    this.#total = of.total;
    this.#out = of.draw === "shown" ? of.out : undefined;
  }

  readonly at = (bytes: number): void => {
    this.#bytes = bytes;
  };

  count(count: number): void {
    this.#count = count;
    const now = performance.now();
    if (this.#out === undefined || now - this.#drawnAt < drawEveryMs) return;
    this.#drawnAt = now;
    this.#draw(this.#total === 0 ? 1 : Math.min(1, this.#bytes / this.#total));
  }

  /** All of it, on a line that stays. */
  end(): void {
    if (this.#out === undefined) return;
    this.#draw(1);
    this.#out("\n");
  }

  #draw(part: number): void {
    const full = Math.round(part * widthChars);
    const bar = "#".repeat(full) + ".".repeat(widthChars - full);
    const percent = String(Math.floor(part * 100)).padStart(3);
    this.#out?.(`\r${this.#verb} [${bar}] ${percent} %  ${this.#count} users`);
  }
}
