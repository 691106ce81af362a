import type { Result } from "../../domain/result.ts";
import type { TableFrame } from "../../domain/table-change.ts";

/** As `parseTableContent`, for a table without its people. The fault names the field, never its value. */
export function parseTableFrame(raw: unknown): Result<TableFrame, string> {
  throw new Error(`not yet: ${typeof raw}`);
}
