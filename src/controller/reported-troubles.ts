import type { TroubleReporter } from "./journal.ts";

/** Troubles of one part: one reporter is told what is wrong when it comes, and each change. */
export class ReportedTroubles implements TroubleReporter {
  readonly #raised = new Set<string>();
  #reporter: TroubleReporter | undefined;

  has(trouble: string): boolean {
    return this.#raised.has(trouble);
  }

  /** In alphabetical order. */
  raised(): readonly string[] {
    return [...this.#raised].sort();
  }

  reportTo(reporter: TroubleReporter): void {
    this.#reporter = reporter;
    for (const trouble of this.#raised) reporter.raise(trouble);
  }

  raise(trouble: string): void {
    if (this.#raised.has(trouble)) return;
    this.#raised.add(trouble);
    this.#reporter?.raise(trouble);
  }

  clear(trouble: string): void {
    if (this.#raised.delete(trouble)) this.#reporter?.clear(trouble);
  }
}
