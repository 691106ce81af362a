import * as v from "valibot";
import { doorPostures } from "../../domain/access.ts";
import {
  type DoorEvent,
  enrolmentOutcomes,
  type JournalEntry,
  postureCauses,
  remoteUnlockOutcomes,
} from "../../domain/event.ts";
import { areaId, controllerId, doorId, passId, readerId, userId } from "../../domain/ids.ts";
import { denialReasons, grantReasons } from "../../domain/reason.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { epochMsMax } from "../../domain/time.ts";
import {
  attemptId,
  codeWord,
  describeIssue,
  duration,
  id,
  instant,
  integer,
  journalId,
  numberMax,
  sha256Hex,
  tableVersion,
  text,
} from "./schema-parts.ts";

/** The longest free text in an event. A controller cuts before it journals. */
export const eventTextMax = 1_000;

const yearMs = 366 * 24 * 3_600_000;

const doorKinds = [
  "door_forced",
  "door_held_warning",
  "door_held",
  "door_secured",
  "door_not_entered",
  "door_failed_to_relock",
  "rex_admitted",
  "rex_reported",
  "rex_stuck",
  "rex_chatter",
  "rex_cut",
  "rex_shorted",
  "rex_recovered",
  "contact_chatter",
  "contact_stuck",
  "contact_cut",
  "contact_shorted",
  "contact_recovered",
] as const satisfies readonly DoorEvent["kind"][];

const atReader = { door: id(doorId), reader: id(readerId) };
const who = { pass: id(passId), user: id(userId) };
const raisedOrCleared = v.picklist(["raised", "cleared"]);

const eventSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("access_granted"),
    ...atReader,
    ...who,
    reason: v.picklist(grantReasons),
    use: v.exactOptional(integer(1, numberMax)),
    pinUse: v.exactOptional(v.strictObject({ pass: id(passId), use: integer(1, numberMax) })),
  }),
  v.strictObject({
    kind: v.literal("access_denied"),
    ...atReader,
    pass: v.exactOptional(id(passId)),
    user: v.exactOptional(id(userId)),
    reason: v.picklist(denialReasons),
  }),
  v.strictObject({ kind: v.picklist(doorKinds), door: id(doorId) }),
  v.strictObject({
    kind: v.literal("posture_changed"),
    door: id(doorId),
    posture: v.picklist(doorPostures),
    cause: v.picklist(postureCauses),
  }),
  v.strictObject({
    kind: v.literal("passback_violation"),
    ...atReader,
    ...who,
    area: v.exactOptional(id(areaId)),
  }),
  v.strictObject({ kind: v.literal("duress"), ...atReader, ...who }),
  v.strictObject({ kind: v.literal("passback_forgiven"), user: v.exactOptional(id(userId)) }),
  v.strictObject({
    kind: v.literal("strike_pulsed"),
    door: id(doorId),
    forMs: duration(yearMs),
  }),
  v.strictObject({
    kind: v.literal("reader_watched"),
    reader: id(readerId),
    bits: v.picklist(["shown", "masked"]),
  }),
  v.strictObject({
    kind: v.literal("remote_unlock"),
    door: id(doorId),
    attempt: attemptId,
    outcome: v.picklist(remoteUnlockOutcomes),
  }),
  v.strictObject({
    kind: v.literal("remote_override"),
    door: id(doorId),
    attempt: attemptId,
    override: v.picklist([...doorPostures, "clear"]),
    outcome: v.picklist(["done", "refused"]),
  }),
  v.strictObject({
    kind: v.literal("enrolment"),
    reader: id(readerId),
    attempt: attemptId,
    outcome: v.picklist(enrolmentOutcomes),
  }),
  v.strictObject({
    kind: v.literal("command_refused"),
    reason: codeWord,
    count: integer(1, numberMax),
  }),
  v.strictObject({ kind: v.literal("fire"), state: raisedOrCleared }),
  v.strictObject({
    kind: v.literal("tamper"),
    reader: v.exactOptional(id(readerId)),
    state: raisedOrCleared,
  }),
  v.strictObject({
    kind: v.literal("alarm_input_fault"),
    input: v.picklist(["fire", "tamper"]),
    reader: v.exactOptional(id(readerId)),
    fault: v.picklist(["cut", "shorted", "none"]),
  }),
  v.strictObject({
    kind: v.literal("pin_lockout"),
    reader: id(readerId),
    pauseMs: duration(yearMs),
  }),
  v.strictObject({
    kind: v.literal("reader_misread"),
    reader: id(readerId),
    verdict: codeWord,
    bitCount: integer(0, numberMax),
    count: integer(0, numberMax),
  }),
  v.strictObject({ kind: v.literal("table_applied"), applied: tableVersion }),
  v.strictObject({
    kind: v.literal("table_refused"),
    reason: codeWord,
    detail: text(eventTextMax),
  }),
  v.strictObject({ kind: v.literal("controller_started"), software: text(eventTextMax) }),
  v.strictObject({
    kind: v.literal("trouble"),
    trouble: text(eventTextMax),
    state: raisedOrCleared,
  }),
  v.strictObject({
    kind: v.literal("clock_set"),
    byMs: integer(-epochMsMax, epochMsMax),
    outcome: v.picklist(["followed", "ignored"]),
  }),
  v.strictObject({
    kind: v.literal("journal_overflow"),
    lostCount: integer(0, numberMax),
    lostDenialCount: integer(0, numberMax),
    lostAlarmCount: integer(0, numberMax),
  }),
]);

/**
 * A clock set back makes the table look as if it came from the future. A fraction is let through as in
 * an instant: journals have such entries, and one that is refused holds up all that follow it.
 */
const age = v.pipe(v.number(), v.minValue(-epochMsMax), v.maxValue(epochMsMax));

const entrySchema = v.strictObject({
  controller: id(controllerId),
  journal: journalId,
  number: integer(1, numberMax),
  previous: sha256Hex,
  hash: sha256Hex,
  event: eventSchema,
  wall: v.strictObject({ at: instant, quality: v.picklist(["trusted", "holdover", "unknown"]) }),
  table: v.exactOptional(tableVersion),
  tableAgeMs: v.exactOptional(age),
});

/**
 * The shape alone; the chain is `verifyChain`'s. An entry that a newer controller made in a form
 * unknown here is refused as a whole: it stays in that controller's journal until the site is newer
 * too, instead of being stored as something that nobody understood.
 */
export function parseJournalEntry(raw: unknown): Result<JournalEntry, string> {
  const parsed = v.safeParse(entrySchema, raw, { abortEarly: true });
  return parsed.success ? succeed(parsed.output) : fail(describeIssue(parsed.issues[0]));
}
