/** The system's code for it, such as EACCES; all of it as text where it has none. */
export function failureCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** Of a file: there is none, and no trying again will find it. */
export function isMissing(error: unknown): boolean {
  return failureCode(error) === "ENOENT";
}
