import { describeFailure } from "./describe-failure.ts";

/** What the caller can do about the hardware: stable strings, safe to match on. */
export type HalFailure =
  | "not_found"
  | "in_use"
  | "not_permitted"
  | "not_supported"
  | "disconnected"
  | "io";

/** The world failed: a line, a port or a chip. The shell retries, degrades and raises a trouble. */
export class HalError extends Error {
  override readonly name = "HalError";
  readonly kind: HalFailure;

  constructor(kind: HalFailure, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}

/** What was thrown where bytes are read or written. */
export function ioError(cause: unknown): HalError {
  return cause instanceof HalError ? cause : new HalError("io", describeFailure(cause), { cause });
}
