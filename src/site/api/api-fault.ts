import { fail } from "../../domain/result.ts";

/** What was expected, by field: `ends_at`, `interval.0.from`. The empty one is the whole input. */
export type FieldFaults = Readonly<Record<string, readonly string[]>>;

/**
 * Why a request came to nothing. `type` and the status are what Seam has where it has the like; a
 * client decides by them and never by the message.
 */
export interface ApiFault {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 503;
  readonly type: string;
  readonly message: string;
  readonly fields?: FieldFaults;
  /** Further members of `error`. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The fields were given, or missing, otherwise than the route says. */
export function invalidInput(fields: FieldFaults) {
  return fail(inputFault(fields));
}

export function inputFault(fields: FieldFaults): ApiFault {
  const names = Object.keys(fields).map((name) => (name === "" ? "the input" : name));
  return {
    status: 400,
    type: "invalid_input",
    message: `Check ${names.join(", ")}.`,
    fields,
  };
}

/** `what`: as the API calls it, such as `acs_user`. */
export function notFound(what: string) {
  const fault: ApiFault = {
    status: 404,
    type: `${what}_not_found`,
    message: `There is no such ${what}.`,
  };
  return fail(fault);
}

/** What was asked for and what is there exclude one another. */
export function conflict(type: string, message: string, fields?: FieldFaults) {
  const fault: ApiFault = {
    status: 409,
    type,
    message,
    ...(fields !== undefined && { fields }),
  };
  return fail(fault);
}
