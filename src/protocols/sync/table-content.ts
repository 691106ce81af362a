import * as v from "valibot";
import type { TableContent } from "../../domain/access.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { describeIssue } from "./schema-parts.ts";
import { tableContentSchema } from "./table-content-schema.ts";
import { findBrokenReference } from "./table-references.ts";

/**
 * The one place where a table from outside becomes a `TableContent`: shape, bounds, that every
 * reference resolves, that nothing is there twice and that nothing contradicts itself. The fault names the field, never its value.
 */
export function parseTableContent(raw: unknown): Result<TableContent, string> {
  const parsed = v.safeParse(tableContentSchema, raw, { abortEarly: true });
  if (!parsed.success) return fail(describeIssue(parsed.issues[0]));
  const fault = findBrokenReference(parsed.output);
  return fault === undefined ? succeed(parsed.output) : fail(fault);
}
