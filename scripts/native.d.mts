export interface NativeSource {
  readonly kind: "addon" | "program";
  /** Relative to the repository. */
  readonly source: string;
  /** The other sources of the same output, in the same folder. */
  readonly others?: readonly string[];
  readonly output: string;
}

export interface NativeBuild {
  readonly root?: string;
  /** Also what is newer than its source. */
  readonly force?: boolean;
  /** A warning is an error: ours are free of them, a future compiler's are not for users to mend. */
  readonly strict?: boolean;
  /** A folder for all of them, instead of `build/` beside each source. */
  readonly into?: string | undefined;
}

export const nativeSources: readonly NativeSource[];
export function isNativeBuilt(root?: string): boolean;
export function buildNative(options?: NativeBuild): string[];
