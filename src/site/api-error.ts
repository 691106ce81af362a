import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** What went wrong, in the shape that the Seam client reads its errors from. */
export interface ApiError {
  readonly status: ContentfulStatusCode;
  readonly type: string;
  readonly message: string;
  /** What was expected, by field. */
  readonly fields?: Readonly<Record<string, readonly string[]>>;
  /** Further members of `error`. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export function answerError(context: Context, { status, type, message, fields, more }: ApiError) {
  const validationErrors =
    fields &&
    Object.fromEntries(Object.entries(fields).map(([name, errors]) => [name, { _errors: errors }]));
  return context.json(
    {
      error: {
        type,
        message,
        ...(validationErrors !== undefined && { validation_errors: validationErrors }),
        ...more,
      },
      ok: false,
    },
    status,
  );
}
