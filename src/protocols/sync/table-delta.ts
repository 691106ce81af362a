import { createHash } from "node:crypto";
import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { TableChange, TableDelta, TableMark } from "../../domain/table-change.ts";
import type { EpochMs } from "../../domain/time.ts";
import { packChange, unpackChange } from "./packed-change.ts";
import { packInstant, unpackInstant } from "./packed-values.ts";
import { describeIssue, instant, integer, tableNumberMax, tableTag } from "./schema-parts.ts";
import { openSecretly, type SiteOpener, type SiteSealer, sealSecretly } from "./site-seal.ts";
import { decodeCbor, encodeCbor } from "./strict-cbor.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** What is larger goes as a snapshot. */
export const deltaBytesMax = 1_024 * 1_024;

/** A step that has no tag yet for the table that it makes. */
export interface TableStep {
  readonly from: TableMark;
  readonly compiledAt: EpochMs;
  readonly changes: readonly TableChange[];
}

export interface SealedDelta {
  /** Sent only where it is no longer than `deltaBytesMax`. */
  readonly message: Uint8Array;
  readonly to: TableMark;
}

/**
 * The body is the list [epoch, version, tag, compiledAt, ...changes] of the table that it is good
 * for, in the forms of packed-change.ts: a changed card pass with dates costs 200 bytes at most on
 * the wire, topic and all. `changes` are the caller's to validate. The same step gives the same bytes.
 */
export function sealTableDelta(sealer: SiteSealer, step: TableStep): SealedDelta {
  const message = sealSecretly(sealer, "table/delta", packStep(step));
  return { message, to: madeBy(message, step.from) };
}

/** Whether it follows from what is in force is for the caller to judge: an old delta opens too. */
export function openTableDelta(
  opener: SiteOpener,
  message: Uint8Array,
): Result<TableDelta, TableRefusal> {
  const opened = openSecretly(opener, "table/delta", { message, bytesMax: deltaBytesMax });
  if (!opened.ok) return opened;
  const step = unpackStep(opened.value);
  if (!step.ok) return fail({ reason: "invalid_content", detail: step.fault });
  for (const change of step.value.changes) {
    if (change.kind !== "frame") continue;
    const { site, controller } = change.frame;
    if (site !== opener.site || controller !== opener.controller) {
      return fail({ reason: "invalid_content", detail: "frame: expected this controller's" });
    }
  }
  const { from, compiledAt, changes } = step.value;
  return succeed({ from, to: madeBy(message, from), compiledAt, changes });
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
  return encodeCbor([delta.to.tag, packStep(delta)]);
}

const storedSchema = v.strictTuple([tableTag, v.unknown()]);

/** The fault names the field, never its value. */
export function decodeTableDelta(bytes: Uint8Array): Result<TableDelta, string> {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) return decoded;
  const stored = v.safeParse(storedSchema, decoded.value, { abortEarly: true });
  if (!stored.success) return fail(describeIssue(stored.issues[0]));
  const [tag, packed] = stored.output;
  const step = unpackStep(packed);
  if (!step.ok) return step;
  const { from, compiledAt, changes } = step.value;
  const to = { epoch: from.epoch, version: from.version + 1, tag };
  return succeed({ from, to, compiledAt, changes });
}

function packStep({ from, compiledAt, changes }: TableStep): readonly unknown[] {
  const { epoch, version, tag } = from;
  return [epoch, version, tag, packInstant(compiledAt), ...changes.map(packChange)];
}

const stepSchema = v.strictObject({
  epoch: integer(0, tableNumberMax),
  // The next one is a version, too.
  version: integer(0, tableNumberMax - 1),
  tag: tableTag,
  compiledAt: instant,
});

function unpackStep(packed: unknown): Result<TableStep, string> {
  if (!Array.isArray(packed)) return fail("message: expected a list");
  const [epoch, version, tag, compiled, ...rawChanges] = packed as readonly unknown[];
  const parsed = v.safeParse(
    stepSchema,
    { epoch, version, tag, compiledAt: unpackInstant(compiled) },
    { abortEarly: true },
  );
  if (!parsed.success) return fail(describeIssue(parsed.issues[0]));
  const { compiledAt, ...from } = parsed.output;
  const changes: TableChange[] = [];
  const changed = new Set<string>();
  for (const [index, raw] of rawChanges.entries()) {
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
  return succeed({ from, compiledAt, changes });
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
