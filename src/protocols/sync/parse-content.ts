import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { describeIssue } from "./schema-parts.ts";

/** What came whole and from whom it should, and does not say what it must. */
export interface ContentRefusal {
  readonly reason: "invalid_content";
  /** Names the field, and never what stands in it. */
  readonly detail: string;
}

/** A message's body, once it is known to be untouched. */
export function parseContent<Schema extends v.GenericSchema>(
  schema: Schema,
  body: unknown,
): Result<v.InferOutput<Schema>, ContentRefusal> {
  const parsed = v.safeParse(schema, body, { abortEarly: true });
  return parsed.success
    ? succeed(parsed.output)
    : fail({ reason: "invalid_content", detail: describeIssue(parsed.issues[0]) });
}
