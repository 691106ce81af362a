/** What a process has opened, to be closed in the opposite order when it stops or fails to start. */
export class ClosingStack {
  readonly #closers: (() => Promise<void> | void)[] = [];

  push(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  /** Goes on when one fails, so that none keeps another open; throws the first failure at the end. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
