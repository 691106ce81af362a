/** Who is told, as soon as there is somebody. A second listener is a mistake of ours. */
export class OneListener<Told extends readonly unknown[]> {
  /** As in an error's message: `this port`. */
  readonly #name: string;
  #listener: ((...told: Told) => void) | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get isThere(): boolean {
    return this.#listener !== undefined;
  }

  set(listener: (...told: Told) => void): void {
    if (this.#listener !== undefined)
      throw new Error(`${this.#name}: there is one listener already`);
    this.#listener = listener;
  }

  tell(...told: Told): void {
    this.#listener?.(...told);
  }
}
