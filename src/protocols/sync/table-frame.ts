import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { TableFrame } from "../../domain/table-change.ts";
import { describeIssue } from "./schema-parts.ts";
import { tableFrameSchema } from "./table-content-schema.ts";
import { findBrokenReference } from "./table-references.ts";

/**
 * The one place where a frame from outside becomes a `TableFrame`: shape, bounds, that every
 * reference resolves, that nothing is there twice and that nothing contradicts itself. The fault
 * names the field, never its value.
 */
export function parseTableFrame(raw: unknown): Result<TableFrame, string> {
  const parsed = v.safeParse(tableFrameSchema, raw, { abortEarly: true });
  if (!parsed.success) return fail(describeIssue(parsed.issues[0]));
  const fault = findBrokenReference(parsed.output);
  return fault === undefined ? succeed(parsed.output) : fail(fault);
}
