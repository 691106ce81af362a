import * as v from "valibot";
import { doorPostures } from "../../domain/access.ts";
import { pinDigitsMax, pinDigitsMin, rawBitsMax } from "../../domain/credential.ts";
import { doorId, idExpectation, isId, passId, readerId, userId } from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { epochMs } from "../../domain/time.ts";

/**
 * What a technician's command and the controller daemon say to each other over its local socket:
 * one JSON object a line, UTF-8. A request {v, id, verb, args} is answered with one `value`, or with
 * `item`s and an `end`, or with an `error`; all carry the request's `id`.
 */
export const localProtocolVersion = 1;

/** A longer line is refused, and the connection that sent it ended. */
export const localRequestBytesMax = 16_384;
/** A client that reads a longer line is not talking to a controller. */
export const localResponseBytesMax = 4 * 1024 * 1024;

export const eventsLimitDefault = 100;
export const eventsLimitMax = 1_000_000;
/** How long a technician may have a strike released, whatever its coil would bear, and lamps lit. */
export const pulseMsMin = 50;
export const pulseMsMax = 10_000;
export const lightMsMax = 300_000;
/** `boot`: what a reader shows while its controller starts. */
export const triedLights = ["amber", "green", "red", "off", "boot"] as const;
/** The year 9999 ends here, in milliseconds since 1970. */
const instantMax = 253_402_300_799_999;

const pinExpectation = `a PIN of ${pinDigitsMin} to ${pinDigitsMax} digits`;
const pinPattern = new RegExp(`^[0-9]{${pinDigitsMin},${pinDigitsMax}}$`);

const request = { v: v.literal(localProtocolVersion), id: v.pipe(v.number(), v.safeInteger()) };
const anId = <const Id extends string>(brand: (text: string) => Id) =>
  v.pipe(v.string(), v.check(isId, idExpectation), v.transform(brand));
const aDoor = anId(doorId);
const aCount = (least: number, most: number) => {
  const expected = `a whole number from ${least} to ${most}`;
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(least, expected),
    v.maxValue(most, expected),
  );
};

const cardFormat = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const cardValue = v.pipe(v.string(), v.maxLength(64));
const cardFieldsMax = 16;
/** Also what keeps a field's name from writing on the terminal of whoever is told about it. */
const cardFieldName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,32}$/));

const cardSchema = v.union(
  [
    /** The fields' values in the order in which the format has them: `H10301`, `["12", "34567"]`. */
    v.strictObject({
      format: cardFormat,
      values: v.pipe(v.array(cardValue), v.maxLength(cardFieldsMax)),
    }),
    /** The fields' values by name: `H10301`, `{"facility": 12, "number": 34567}`. */
    v.strictObject({
      format: cardFormat,
      fields: v.pipe(
        v.record(cardFieldName, v.union([v.number(), cardValue])),
        v.maxEntries(cardFieldsMax),
      ),
    }),
    v.strictObject({ bits: v.pipe(v.string(), v.regex(new RegExp(`^[01]{1,${rawBitsMax}}$`))) }),
    /** The phone whose key has this digest: 32 digits. */
    v.strictObject({ phone: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)) }),
  ],
  `{format, values}, {format, fields}, {bits}: 1 to ${rawBitsMax} of 0 and 1, or {phone}: 32 hex digits`,
);

const explainSchema = v.pipe(
  v.strictObject({
    door: aDoor,
    card: v.exactOptional(cardSchema),
    /** Instead of what it presents. */
    pass: v.exactOptional(anId(passId)),
    /** A secret: it is in no log and no answer. */
    pin: v.exactOptional(v.pipe(v.string(pinExpectation), v.regex(pinPattern, pinExpectation))),
    at: v.exactOptional(v.pipe(aCount(0, instantMax), v.transform(epochMs))),
  }),
  v.check(
    ({ card, pass, pin }) =>
      (card === undefined || pass === undefined) &&
      (card !== undefined || pass !== undefined || pin !== undefined),
    "a card or a pass, a PIN, or one of those with a PIN",
  ),
);

const overrideSchema = v.strictObject({
  door: aDoor,
  /** `clear` ends the override that there is. */
  posture: v.picklist(
    [...doorPostures, "clear"],
    `one of ${[...doorPostures, "clear"].join(", ")}`,
  ),
  /** `next_change`: of the schedules that unlock the door. Means nothing with `clear`. */
  until: v.optional(v.picklist(["cleared", "next_change"], "cleared or next_change"), "cleared"),
});

/** No user: everybody. */
const forgiveSchema = v.strictObject({ user: v.exactOptional(anId(userId)) });

const aReader = anId(readerId);
const yesOrNo = v.boolean("true or false");

const linesSchema = v.strictObject({
  /** Goes on with each line that changes until the client leaves. */
  follow: yesOrNo,
});

const watchReaderSchema = v.strictObject({
  reader: aReader,
  /** Cards' numbers too, which are personal: the journal says that they were shown. */
  bits: yesOrNo,
});

const pulseSchema = v.strictObject({ door: aDoor, forMs: aCount(pulseMsMin, pulseMsMax) });

const showLightSchema = v.strictObject({
  reader: aReader,
  light: v.picklist(triedLights, `one of ${triedLights.join(", ")}`),
  forMs: aCount(1, lightMsMax),
});

const requestSchema = v.variant("verb", [
  v.strictObject({ ...request, verb: v.literal("status"), args: v.strictObject({}) }),
  v.strictObject({
    ...request,
    verb: v.literal("events"),
    args: v.strictObject({
      /** Entries with a higher number; absent: the newest `limit`. */
      after: v.exactOptional(aCount(0, Number.MAX_SAFE_INTEGER)),
      limit: v.exactOptional(aCount(1, eventsLimitMax)),
      /** Goes on with each new entry until the client leaves. */
      follow: v.boolean(),
    }),
  }),
  v.strictObject({ ...request, verb: v.literal("explain"), args: explainSchema }),
  v.strictObject({ ...request, verb: v.literal("override"), args: overrideSchema }),
  v.strictObject({ ...request, verb: v.literal("forgive"), args: forgiveSchema }),
  v.strictObject({ ...request, verb: v.literal("lines"), args: linesSchema }),
  v.strictObject({ ...request, verb: v.literal("watch_reader"), args: watchReaderSchema }),
  v.strictObject({ ...request, verb: v.literal("pulse"), args: pulseSchema }),
  v.strictObject({ ...request, verb: v.literal("show_light"), args: showLightSchema }),
]);

export type LocalRequest = v.InferOutput<typeof requestSchema>;
export type LocalVerb = LocalRequest["verb"];
export type EventsArgs = Extract<LocalRequest, { verb: "events" }>["args"];
export type ExplainArgs = Extract<LocalRequest, { verb: "explain" }>["args"];
export type OverrideArgs = Extract<LocalRequest, { verb: "override" }>["args"];
export type ForgiveArgs = Extract<LocalRequest, { verb: "forgive" }>["args"];
export type LinesArgs = Extract<LocalRequest, { verb: "lines" }>["args"];
export type WatchReaderArgs = Extract<LocalRequest, { verb: "watch_reader" }>["args"];
export type PulseArgs = Extract<LocalRequest, { verb: "pulse" }>["args"];
export type ShowLightArgs = Extract<LocalRequest, { verb: "show_light" }>["args"];
export type TriedLight = ShowLightArgs["light"];
export type CardArgument = NonNullable<ExplainArgs["card"]>;

/** A request's verb with its own arguments. */
export type LocalQuestion = LocalRequest extends infer Each
  ? Each extends LocalRequest
    ? Pick<Each, "verb" | "args">
    : never
  : never;

export type LocalErrorCode =
  /** The request, or one of its fields, is not what is expected. */
  | "bad_request"
  | "unsupported_version"
  | "too_long"
  /** As many clients as the controller serves at once are connected. */
  | "busy"
  /** The controller could not do it; its log has more. */
  | "failed";

export interface LocalFault {
  readonly code: LocalErrorCode;
  /** For people. */
  readonly message: string;
  /** Where in the request, as `args.door`. */
  readonly field?: string;
}

/** `id` is null where the request had none that could be read. */
export type LocalResponse =
  | { readonly id: number; readonly kind: "value"; readonly value: unknown }
  | { readonly id: number; readonly kind: "item"; readonly item: unknown }
  | { readonly id: number; readonly kind: "end" }
  | { readonly id: number | null; readonly kind: "error"; readonly error: LocalFault };

export interface RequestFault {
  readonly id: number | null;
  readonly error: LocalFault;
}

/** Never repeats what it was given: a line may hold a PIN. */
export function parseLocalRequest(line: string): Result<LocalRequest, RequestFault> {
  const raw = parseJson(line);
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    return fail({ id: null, error: { code: "bad_request", message: "expected a JSON object" } });
  }
  const head = raw as { readonly v?: unknown; readonly id?: unknown };
  const id = Number.isSafeInteger(head.id) ? Number(head.id) : null;
  if (head.v !== localProtocolVersion) {
    const message = `expected version ${localProtocolVersion} of the local protocol`;
    return fail({ id, error: { code: "unsupported_version", message, field: "v" } });
  }
  const parsed = v.safeParse(requestSchema, raw, { abortEarly: true });
  if (parsed.success) return succeed(parsed.output);
  return fail({ id, error: faultOf(parsed.issues[0]) });
}

function faultOf(issue: v.BaseIssue<unknown>): LocalFault {
  const field = v.getDotPath(issue);
  return {
    code: "bad_request",
    message: `${field ?? "request"}: expected ${expectationOf(issue)}`,
    ...(field === null ? {} : { field }),
  };
}

/** valibot's own messages repeat what was received; ours say only what was expected. */
function expectationOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type === "strict_object" && issue.expected === "never") return "no such field";
  if (issue.type === "strict_object" && issue.path !== undefined) return "this field to be there";
  return issue.message.startsWith("Invalid") ? (issue.expected ?? "something else") : issue.message;
}

export function encodeLocalRequest(sent: LocalQuestion & { readonly id: number }): string {
  return `${JSON.stringify({ v: localProtocolVersion, ...sent })}\n`;
}

export function encodeLocalResponse(response: LocalResponse): string {
  return `${JSON.stringify({ v: localProtocolVersion, ...response })}\n`;
}

const responseHead = { v: v.literal(localProtocolVersion), id: v.number() };
const responseSchema = v.variant("kind", [
  v.object({ ...responseHead, kind: v.literal("value"), value: v.unknown() }),
  v.object({ ...responseHead, kind: v.literal("item"), item: v.unknown() }),
  v.object({ ...responseHead, kind: v.literal("end") }),
  v.object({
    ...responseHead,
    id: v.nullable(v.number()),
    kind: v.literal("error"),
    error: v.object({
      code: v.picklist(["bad_request", "unsupported_version", "too_long", "busy", "failed"]),
      message: v.string(),
      field: v.exactOptional(v.string()),
    }),
  }),
]);

/** The fault is a sentence for people. */
export function parseLocalResponse(line: string): Result<LocalResponse, string> {
  const parsed = v.safeParse(responseSchema, parseJson(line), { abortEarly: true });
  if (!parsed.success)
    return fail("The controller answered in a way that this version cannot read.");
  const { v: _, ...response } = parsed.output;
  return succeed(response);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
