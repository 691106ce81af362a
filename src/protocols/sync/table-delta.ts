import { createHash } from "node:crypto";
import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { TableChange, TableDelta, TableMark } from "../../domain/table-change.ts";
import type { EpochMs } from "../../domain/time.ts";
import { packChange, unpackChange } from "./packed-change.ts";
import { packInstant, unpackInstant } from "./packed-values.ts";
import { describeIssue, instant, integer, tableNumberMax, tableTag } from "./schema-parts.ts";
import {
  openSecretly,
  readBody,
  type SiteOpener,
  type SiteSealer,
  sealSecretly,
} from "./site-seal.ts";
import { decodeCbor, decodeFirstCbor, encodeCbor } from "./strict-cbor.ts";
import type { TableRefusal } from "./table-refusal.ts";

/**
 * Most of what a message costs its receiver is the reading of its changes, in the thread of the
 * doors: so much is read in a few milliseconds. What is more goes as several deltas.
 */
export const deltaBytesMax = 64 * 1_024;
/** Of a delta with a frame, which cannot be divided. */
export const frameDeltaBytesMax = 1_024 * 1_024;

/** How long the message of a delta with these changes may be. */
export function bytesMaxOf(changes: readonly TableChange[]): number {
  return changes[0]?.kind === "frame" ? frameDeltaBytesMax : deltaBytesMax;
}

/** A step that has no tag yet for the table that it makes. */
export interface TableStep {
  readonly from: TableMark;
  readonly compiledAt: EpochMs;
  readonly changes: readonly TableChange[];
}

export interface SealedDelta {
  /** Sent only where it is no longer than `bytesMaxOf` its changes. */
  readonly message: Uint8Array;
  readonly to: TableMark;
}

/**
 * The body is two values in a row: the list [epoch, version, tag, compiledAt] of the table that it
 * is good for, and the list of changes in the forms of packed-change.ts. A changed card pass with
 * dates costs 200 bytes at most on the wire, topic and all. `changes` are the caller's to validate.
 * The same step gives the same bytes.
 */
export function sealTableDelta(sealer: SiteSealer, step: TableStep): SealedDelta {
  const body = Buffer.concat([
    encodeCbor(packOrigin(step)),
    encodeCbor(step.changes.map(packChange)),
  ]);
  const message = sealSecretly(sealer, "table/delta", body);
  return { message, to: madeBy(message, step.from) };
}

/** Where a step begins, and when what it makes was compiled. */
type StepOrigin = Omit<TableStep, "changes">;

/** What leads from which table to which: enough to see whether it is of any use. */
export interface ReadDelta extends StepOrigin {
  readonly to: TableMark;
  /** Reads the changes, which takes many times as long as all before it. */
  unpack(): Result<TableDelta, TableRefusal>;
}

/** Whether it follows from what is in force is for the caller to judge: an old delta opens too. */
export function readTableDelta(
  opener: SiteOpener,
  message: Uint8Array,
): Result<ReadDelta, TableRefusal> {
  const opened = openSecretly(opener, "table/delta", { message, bytesMax: frameDeltaBytesMax });
  if (!opened.ok) return opened;
  const first = decodeFirstCbor(opened.value);
  if (!first.ok) return fail({ reason: "malformed", detail: first.fault });
  const origin = unpackOrigin(first.value.value);
  if (!origin.ok) return fail({ reason: "invalid_content", detail: origin.fault });
  const marked = { ...origin.value, to: madeBy(message, origin.value.from) };
  const { rest } = first.value;
  return succeed({
    ...marked,
    unpack: () => {
      const changes = readChanges(opener, rest, message.length);
      return changes.ok ? succeed({ ...marked, changes: changes.value }) : changes;
    },
  });
}

/** All of it at once, for whoever has no doors to serve meanwhile. */
export function openTableDelta(
  opener: SiteOpener,
  message: Uint8Array,
): Result<TableDelta, TableRefusal> {
  const read = readTableDelta(opener, message);
  return read.ok ? read.value.unpack() : read;
}

function readChanges(
  opener: SiteOpener,
  packed: Uint8Array,
  messageBytes: number,
): Result<readonly TableChange[], TableRefusal> {
  const body = readBody(packed);
  if (!body.ok) return body;
  const changes = unpackChanges(body.value);
  if (!changes.ok) return fail({ reason: "invalid_content", detail: changes.fault });
  const bytesMax = bytesMaxOf(changes.value);
  if (messageBytes > bytesMax) {
    return fail({ reason: "too_long", detail: `${messageBytes} bytes, at most ${bytesMax}` });
  }
  for (const change of changes.value) {
    if (change.kind !== "frame") continue;
    const { site, controller } = change.frame;
    if (site !== opener.site || controller !== opener.controller) {
      return fail({ reason: "invalid_content", detail: "frame: expected this controller's" });
    }
  }
  return changes;
}

/**
 * The tag is of the message's bytes, so that it need not be sent: two tables that a restored site
 * made under one number came of two messages.
 */
function madeBy(message: Uint8Array, { epoch, version }: TableMark): TableMark {
  const tag = createHash("sha256").update(message).digest().readUInt32BE(0);
  return { epoch, version: version + 1, tag };
}

/** A delta as it is kept on disk: deterministic CBOR, with the tag of what it makes. Not encrypted. */
export function encodeTableDelta(delta: TableDelta): Uint8Array {
  return encodeCbor([delta.to.tag, packOrigin(delta), delta.changes.map(packChange)]);
}

const storedSchema = v.strictTuple([tableTag, v.unknown(), v.unknown()]);

/** The fault names the field, never its value. */
export function decodeTableDelta(bytes: Uint8Array): Result<TableDelta, string> {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) return decoded;
  const stored = v.safeParse(storedSchema, decoded.value, { abortEarly: true });
  if (!stored.success) return fail(describeIssue(stored.issues[0]));
  const [tag, packedOrigin, packedChanges] = stored.output;
  const origin = unpackOrigin(packedOrigin);
  if (!origin.ok) return origin;
  const changes = unpackChanges(packedChanges);
  if (!changes.ok) return changes;
  const { from, compiledAt } = origin.value;
  const to = { epoch: from.epoch, version: from.version + 1, tag };
  return succeed({ from, to, compiledAt, changes: changes.value });
}

function packOrigin({ from: { epoch, version, tag }, compiledAt }: StepOrigin): readonly unknown[] {
  return [epoch, version, tag, packInstant(compiledAt)];
}

const originFields = 4;

const originSchema = v.strictObject({
  epoch: integer(0, tableNumberMax),
  // The next one is a version, too.
  version: integer(0, tableNumberMax - 1),
  tag: tableTag,
  compiledAt: instant,
});

function unpackOrigin(packed: unknown): Result<StepOrigin, string> {
  if (!Array.isArray(packed) || packed.length !== originFields) {
    return fail(`message: expected a list of ${originFields}`);
  }
  const [epoch, version, tag, compiled] = packed as readonly unknown[];
  const parsed = v.safeParse(
    originSchema,
    { epoch, version, tag, compiledAt: unpackInstant(compiled) },
    { abortEarly: true },
  );
  if (!parsed.success) return fail(describeIssue(parsed.issues[0]));
  const { compiledAt, ...from } = parsed.output;
  return succeed({ from, compiledAt });
}

function unpackChanges(packed: unknown): Result<readonly TableChange[], string> {
  if (!Array.isArray(packed)) return fail("changes: expected a list");
  const changes: TableChange[] = [];
  const changed = new Set<string>();
  for (const [index, raw] of (packed as readonly unknown[]).entries()) {
    const change = unpackChange(raw);
    if (!change.ok) return fail(`changes.${index}: ${change.fault}`);
    if (change.value.kind === "frame" && index > 0) {
      return fail(`changes.${index}: expected a frame first`);
    }
    const subject = subjectOf(change.value);
    if (changed.has(subject)) return fail(`changes.${index}: expected each user and pass once`);
    changed.add(subject);
    changes.push(change.value);
  }
  return succeed(changes);
}

/** What a change is about, in a form that no two of them share by chance. */
function subjectOf(change: TableChange): string {
  switch (change.kind) {
    case "frame":
      return "frame";
    case "user":
      return `user ${change.user.id}`;
    case "user_gone":
      return `user ${change.user}`;
    case "pass":
      return `pass ${change.pass.id}`;
    case "pass_gone":
      return `pass ${change.pass}`;
  }
}
