import * as v from "valibot";
import { parsePhoneCredential, parseRawCredential, pinDigest } from "../../domain/credential.ts";
import { idExpectation, isId } from "../../domain/ids.ts";
import { epochMs, epochMsMax } from "../../domain/time.ts";

/** An identifier, branded by `as` (`doorId`, `userId`, …). */
export function id<T extends string>(as: (text: string) => T) {
  return v.pipe(v.string(), v.check(isId, idExpectation), v.transform(as));
}

export function integer(least: number, most: number) {
  const expected = `a whole number, ${least} to ${most}`;
  return v.pipe(
    v.number(expected),
    v.safeInteger(expected),
    v.minValue(least, expected),
    v.maxValue(most, expected),
  );
}

const instantExpectation = `milliseconds since 1970, 0 to ${epochMsMax}`;

/** A fraction is let through: a clock may have one, and it is hashed as it is. */
export const instant = v.pipe(
  v.number(instantExpectation),
  v.minValue(0, instantExpectation),
  v.maxValue(epochMsMax, instantExpectation),
  v.transform(epochMs),
);

export function duration(mostMs: number) {
  return v.pipe(
    v.number(),
    v.minValue(0, `0 to ${mostMs} ms`),
    v.maxValue(mostMs, `0 to ${mostMs} ms`),
  );
}

export function text(lengthMax: number) {
  return v.pipe(v.string(), v.maxLength(lengthMax, `at most ${lengthMax} characters`));
}

/** A word that code matches on: a reason, a verdict, a trouble. */
export const codeWord = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_.:/-]{0,127}$/i, "a code word of at most 128 characters"),
);

export const sha256Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "64 hex digits"));

/** A number of 64 bits that was drawn at random. */
export const hex16 = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/, "16 hex digits"));

/** What a site knows one of its commands by: a UUID, as an action attempt has. */
export const attemptId = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "a UUID in lower case"),
);

/** One journal of one controller's storage, drawn at random when that storage is made. */
export const journalId = v.pipe(v.string(), v.check(isId, idExpectation));

export const numberMax = Number.MAX_SAFE_INTEGER;

/** Far beyond any use, and far enough below `numberMax` that counting on stays exact. */
export const tableNumberMax = 2 ** 48;

export const tableVersion = v.strictObject({
  epoch: integer(0, tableNumberMax),
  version: integer(0, tableNumberMax),
});

/** A number of 32 bits. */
export const tableTag = integer(0, 0xffff_ffff);

export const tableMark = v.strictObject({ ...tableVersion.entries, tag: tableTag });

/** What a card or a phone presents. */
export const rawCredentialText = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const text = dataset.value;
    const parsed = text.startsWith("phone") ? parsePhoneCredential(text) : parseRawCredential(text);
    if (parsed.ok) return parsed.value;
    addIssue({ message: parsed.fault });
    return NEVER;
  }),
);

export const pinDigestText = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{32}$/, "32 hex digits"),
  v.transform(pinDigest),
);

/** What was expected at an issue, for people; never what stood there, which may be a secret. */
export function expectationOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type === "strict_object" && issue.expected === "never") return "no such field";
  if (issue.type === "strict_object" && issue.received === "undefined") return "this field";
  return issue.kind === "schema" && issue.message.startsWith("Invalid ")
    ? (issue.expected ?? "something else")
    : issue.message;
}

/** One sentence about the first wrong field. */
export function describeIssue(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue) ?? "message";
  return `${field}: expected ${expectationOf(issue)}`.slice(0, 200);
}
