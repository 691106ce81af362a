import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import * as v from "valibot";
import { fail, type Result, succeed } from "../../src/domain/result.ts";

export interface Refusal {
  readonly status: ContentfulStatusCode;
  readonly field: string;
  readonly expected: string;
}

/** A body that is not what its route takes; the status is 400. */
export type BodyFault = Pick<Refusal, "field" | "expected">;

export type Body = Readonly<Record<string, unknown>>;

export function refuse(c: Context, { status, field, expected }: Refusal): Response {
  const error = { field, expected, message: `${field}: expected ${expected}` };
  return c.json({ ok: false, error }, status);
}

export async function bodyOf(c: Context): Promise<Result<Body, BodyFault>> {
  const malformed = fail({ field: "body", expected: "a JSON object" });
  let value: unknown;
  try {
    value = JSON.parse(await c.req.text());
  } catch (error) {
    if (error instanceof SyntaxError) return malformed;
    throw error;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return malformed;
  return succeed({ ...value });
}

export function parsedBy<Schema extends v.GenericSchema>(
  schema: Schema,
  body: Body,
): Result<v.InferOutput<Schema>, BodyFault> {
  const parsed = v.safeParse(schema, body);
  if (parsed.success) return succeed(parsed.output);
  const [issue] = parsed.issues;
  return fail({ field: v.getDotPath(issue) ?? "body", expected: issue.message });
}
