/** One number of a benchmark. `subject` is `postern` or the name of the peer measured beside it. */
export interface Measurement {
  readonly name: string;
  readonly subject: string;
  readonly value: number;
  readonly unit: string;
}

/** What a module in this folder exports to be run by `npm run bench`. */
export interface Benchmark {
  readonly name: string;
  /** `smoke`: small sizes, in seconds, so that every check can show that it still runs. */
  readonly run: (options: { readonly smoke: boolean }) => Promise<readonly Measurement[]>;
}
