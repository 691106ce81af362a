import * as v from "valibot";
import { idExpectation, isId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";

/** What was expected, by parameter: all faults at once, an unknown or repeated one among them. */
export type QueryFaults = Readonly<Record<string, readonly string[]>>;

export const idParameter = v.pipe(v.string(idExpectation), v.check(isId, idExpectation));

/** The parameters of one request as `schema`, an object, has them. */
export function parseParameters<const Entries extends v.ObjectEntries>(
  schema: v.ObjectSchema<Entries, undefined>,
  parameters: Readonly<Record<string, readonly string[]>>,
): Result<v.InferOutput<v.ObjectSchema<Entries, undefined>>, QueryFaults> {
  // Maps, because a parameter may be called anything, `__proto__` too.
  const faults = new Map<string, readonly string[]>();
  const single = new Map<string, string | undefined>();
  for (const [name, values] of Object.entries(parameters)) {
    if (!Object.hasOwn(schema.entries, name)) {
      const known = Object.keys(schema.entries).join(", ");
      faults.set(name, [`unknown parameter; expected one of ${known}`]);
    } else if (values.length !== 1) faults.set(name, ["expected once"]);
    else single.set(name, values[0]);
  }
  const parsed = v.safeParse(schema, Object.fromEntries(single));
  for (const issue of parsed.issues ?? []) {
    const name = v.getDotPath(issue) ?? "";
    // One that came twice is not missing as well.
    if (faults.has(name)) continue;
    const isMissing = issue.type === "object" && issue.received === "undefined";
    faults.set(name, [isMissing ? "expected this parameter" : `expected ${issue.message}`]);
  }
  if (!parsed.success || faults.size > 0) return fail(Object.fromEntries(faults));
  return succeed(parsed.output);
}
