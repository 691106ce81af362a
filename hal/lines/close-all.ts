import { describeFailure } from "../../src/domain/describe-failure.ts";
import { HalError } from "../../src/domain/hal-error.ts";

/**
 * Calls each in turn and goes on when one throws: one dead line must not leave another door released.
 * Throws one `HalError` `io` at the end for all that failed.
 */
export function closeAll(closers: Iterable<() => void>): void {
  const faults: unknown[] = [];
  for (const close of closers) {
    try {
      close();
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length === 0) return;
  const causes = faults.map(describeFailure);
  throw new HalError("io", `not everything could be closed: ${causes.join("; ")}`, {
    cause: new AggregateError(faults),
  });
}
