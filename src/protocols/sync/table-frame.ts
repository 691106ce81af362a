import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { TableFrame } from "../../domain/table-change.ts";
import { describeIssue } from "./schema-parts.ts";
import { tableFrameSchema } from "./table-content-schema.ts";
import { findBrokenFrame } from "./table-references.ts";

/** As `parseTableContent`, for a table without its people. The fault names the field, never its value. */
export function parseTableFrame(raw: unknown): Result<TableFrame, string> {
  const parsed = v.safeParse(tableFrameSchema, raw, { abortEarly: true });
  if (!parsed.success) return fail(describeIssue(parsed.issues[0]));
  const fault = findBrokenFrame(parsed.output);
  return fault === undefined ? succeed(parsed.output) : fail(fault);
}
