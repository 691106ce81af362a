import type { JournalEntry } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";

interface PendingRead {
  readonly resolve: (entries: readonly JournalEntry[]) => void;
  readonly reject: (error: HalError) => void;
}

/** Readings that the journal's thread has not answered. An answer to one that was given up does nothing. */
export class JournalReads {
  readonly #pending = new Map<number, PendingRead>();
  #requestCount = 0;

  get count(): number {
    return this.#pending.size;
  }

  begin(): { readonly request: number; readonly entries: Promise<readonly JournalEntry[]> } {
    this.#requestCount += 1;
    const request = this.#requestCount;
    const entries = new Promise<readonly JournalEntry[]>((resolve, reject) => {
      this.#pending.set(request, { resolve, reject });
    });
    return { request, entries };
  }

  resolve(request: number, entries: readonly JournalEntry[]): void {
    this.#take(request)?.resolve(entries);
  }

  reject(request: number, why: string): void {
    this.#take(request)?.reject(new HalError("io", why));
  }

  rejectAll(why: string): void {
    for (const request of [...this.#pending.keys()]) this.reject(request, why);
  }

  #take(request: number): PendingRead | undefined {
    const read = this.#pending.get(request);
    this.#pending.delete(request);
    return read;
  }
}
