import * as v from "valibot";
import { type PassKind, type PassRecord, passTraits, userTraits } from "../../domain/access.ts";
import { passId, userId } from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { TableChange, TableUser } from "../../domain/table-change.ts";
import { unreachable } from "../../domain/unreachable.ts";
import {
  bytesOfHex,
  hexOf,
  packId,
  packInstant,
  packRaw,
  packTraits,
  unpackId,
  unpackInstant,
  unpackRaw,
  unpackTraits,
} from "./packed-values.ts";
import { describeIssue, id } from "./schema-parts.ts";
import { passSchema, tableUserSchema } from "./table-content-schema.ts";
import { parseTableFrame } from "./table-frame.ts";
import { faultOfPass } from "./table-references.ts";

/**
 * A change as a short list, its kind's code first. Codes, and the orders of kinds and traits whose
 * places are sent, never change: what is new goes behind what is there.
 *
 *   [0, frame]                                  as the domain has it
 *   [1, id, flags, ...rules]                    flags: suspended 1, then 2 and up for userTraits
 *   [2, id]                                     a user who has gone
 *   [3, id, user, flags, presents, startsAt, endsAt, usesMax, spentHere, spentElsewhere]
 *                                               flags: kind 0-3, active 4, then 8 and up for
 *                                               passTraits; null where there is none, and nothing
 *                                               behind the last that there is
 *   [4, id]                                     a pass that has gone
 */
const codes = { frame: 0, user: 1, userGone: 2, pass: 3, passGone: 4 } as const;

const passKinds = ["mobile", "nfc_card", "csn_card", "pin"] as const satisfies readonly PassKind[];

const suspendedFlag = 1;
const userTraitsShift = 1;
const userFlagsEnd = 1 << (userTraitsShift + userTraits.length);
const kindMask = 3;
const activeFlag = 4;
const passTraitsShift = 3;
const passFlagsEnd = 1 << (passTraitsShift + passTraits.length);
const pinDigestBytes = 16;

/** The change is the caller's to validate. No traits and an empty list of them come to the same. */
export function packChange(change: TableChange): readonly unknown[] {
  switch (change.kind) {
    case "frame":
      return [codes.frame, change.frame];
    case "user":
      return packUser(change.user);
    case "user_gone":
      return [codes.userGone, packId(change.user)];
    case "pass":
      return packPass(change.pass);
    case "pass_gone":
      return [codes.passGone, packId(change.pass)];
    default:
      return unreachable(change);
  }
}

function packUser({ id, suspended, traits, rules }: TableUser): readonly unknown[] {
  const flags =
    (suspended ? suspendedFlag : 0) | (packTraits(userTraits, traits) << userTraitsShift);
  return [codes.user, packId(id), flags, ...rules.map(packId)];
}

function packPass(pass: PassRecord): readonly unknown[] {
  const { kind, active, presents, startsAt, endsAt } = pass;
  const packed: unknown[] = [
    codes.pass,
    packId(pass.id),
    packId(pass.user),
    passKinds.indexOf(kind) |
      (active ? activeFlag : 0) |
      (packTraits(passTraits, pass.traits) << passTraitsShift),
    presents.as === "pin" ? bytesOfHex(presents.digest) : packRaw(presents.raw),
    startsAt === undefined ? null : packInstant(startsAt),
    endsAt === undefined ? null : packInstant(endsAt),
    pass.usesMax ?? null,
    pass.spentHere ?? null,
    pass.spentElsewhere ?? null,
  ];
  while (packed.at(-1) === null) packed.pop();
  return packed;
}

/** The fault names the field, never its value. */
export function unpackChange(packed: unknown): Result<TableChange, string> {
  if (!Array.isArray(packed)) return fail("expected a list");
  const [code, ...fields]: readonly unknown[] = packed as readonly unknown[];
  switch (code) {
    case codes.frame:
      return unpackFrame(fields);
    case codes.user:
      return unpackUser(fields);
    case codes.userGone: {
      const user = unpackGone(goneUser, fields);
      return user === undefined
        ? fail("user: expected an id")
        : succeed({ kind: "user_gone", user });
    }
    case codes.pass:
      return unpackPass(fields);
    case codes.passGone: {
      const pass = unpackGone(gonePass, fields);
      return pass === undefined
        ? fail("pass: expected an id")
        : succeed({ kind: "pass_gone", pass });
    }
    default:
      return fail("expected a change of a known kind");
  }
}

function unpackFrame(fields: readonly unknown[]): Result<TableChange, string> {
  if (fields.length !== 1) return fail("frame: expected nothing behind it");
  const frame = parseTableFrame(fields[0]);
  return frame.ok ? succeed({ kind: "frame", frame: frame.value }) : fail(`frame.${frame.fault}`);
}

const goneUser = id(userId);
const gonePass = id(passId);

function unpackGone<Id>(
  schema: v.GenericSchema<unknown, Id>,
  fields: readonly unknown[],
): Id | undefined {
  const parsed = v.safeParse(schema, unpackId(fields[0]));
  return parsed.success && fields.length === 1 ? parsed.output : undefined;
}

function unpackUser(fields: readonly unknown[]): Result<TableChange, string> {
  const [id, flags, ...rules] = fields;
  if (!areFlags(flags, userFlagsEnd)) return fail("user: expected known flags");
  const parsed = v.safeParse(
    tableUserSchema,
    {
      id: unpackId(id),
      suspended: (flags & suspendedFlag) !== 0,
      ...withTraits(unpackTraits(userTraits, flags >> userTraitsShift)),
      rules: rules.map(unpackId),
    },
    { abortEarly: true },
  );
  return parsed.success
    ? succeed({ kind: "user", user: parsed.output })
    : fail(`user.${describeIssue(parsed.issues[0])}`);
}

const passFieldsMin = 4;
const passFieldsMax = 9;

function unpackPass(fields: readonly unknown[]): Result<TableChange, string> {
  if (fields.length < passFieldsMin || fields.length > passFieldsMax || fields.at(-1) === null) {
    return fail("pass: expected its fields, and nothing behind the last that there is");
  }
  const [id, user, flags, presents, startsAt, endsAt, usesMax, spentHere, spentElsewhere] = fields;
  if (!areFlags(flags, passFlagsEnd)) return fail("pass: expected known flags");
  const kind = passKinds[flags & kindMask];
  const parsed = v.safeParse(
    passSchema,
    {
      id: unpackId(id),
      user: unpackId(user),
      kind,
      active: (flags & activeFlag) !== 0,
      ...withTraits(unpackTraits(passTraits, flags >> passTraitsShift)),
      presents:
        kind === "pin"
          ? { as: "pin", digest: unpackDigest(presents) }
          : { as: "raw", raw: unpackRaw(presents) },
      ...(isThere(startsAt) && { startsAt: unpackInstant(startsAt) }),
      ...(isThere(endsAt) && { endsAt: unpackInstant(endsAt) }),
      ...(isThere(usesMax) && { usesMax }),
      ...(isThere(spentHere) && { spentHere }),
      ...(isThere(spentElsewhere) && { spentElsewhere }),
    },
    { abortEarly: true },
  );
  if (!parsed.success) return fail(`pass.${describeIssue(parsed.issues[0])}`);
  const fault = faultOfPass(parsed.output);
  return fault === undefined
    ? succeed({ kind: "pass", pass: parsed.output })
    : fail(`pass.${fault}`);
}

function areFlags(value: unknown, end: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < end;
}

const isThere = (field: unknown): boolean => field !== undefined && field !== null;

function withTraits<Trait>(traits: readonly Trait[]): { readonly traits?: readonly Trait[] } {
  return traits.length === 0 ? {} : { traits };
}

function unpackDigest(packed: unknown): string | undefined {
  return packed instanceof Uint8Array && packed.length === pinDigestBytes
    ? hexOf(packed)
    : undefined;
}
