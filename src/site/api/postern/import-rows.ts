import type { EpochMs } from "../../../domain/time.ts";
import type { PassRow, UserRow } from "../../store/store-schema.ts";
import type { ImportedPass, ImportedUser } from "./import-schema.ts";
import type { NearIds } from "./near-ids.ts";

export interface ImportMoment {
  readonly at: EpochMs;
  readonly revision: number;
  readonly ids: NearIds;
}

export function newUserRow(id: string, name: string, { at, revision, ids }: ImportMoment): UserRow {
  return {
    id,
    uuid: ids.uuid(),
    origin: "api",
    name,
    email: null,
    phone: null,
    suspended: 0,
    traits: "[]",
    startsAt: null,
    endsAt: null,
    sought: "",
    revision,
    createdAt: at,
  };
}

/** What is said of a user. What is not said stays. */
export function userPart(said: ImportedUser): Partial<UserRow> {
  const { is_suspended: suspended, traits } = said;
  return {
    ...(said.full_name !== undefined && { name: said.full_name }),
    ...(said.email_address !== undefined && { email: said.email_address }),
    ...(said.phone_number !== undefined && { phone: said.phone_number }),
    ...(suspended !== undefined && { suspended: suspended ? 1 : 0 }),
    ...(traits !== undefined && { traits: listText(traits) }),
    ...spanPart(said),
  };
}

export function newPassRow(
  user: string,
  kind: "csn_card" | "pin",
  { at, revision, ids }: ImportMoment,
): PassRow {
  return {
    id: ids.pass(),
    uuid: ids.uuid(),
    origin: "api",
    userId: user,
    kind,
    state: "issued",
    active: 1,
    startsAt: null,
    endsAt: null,
    usesMax: null,
    traits: "[]",
    raw: null,
    cardFormat: null,
    cardFields: null,
    pinDigest: null,
    displayName: "",
    parentId: null,
    isMultiPhone: 0,
    brandMetadata: null,
    warnings: "[]",
    issuedAt: at,
    revision,
    createdAt: at,
  };
}

export function passPart(said: ImportedPass): Partial<PassRow> {
  const { uses, traits, active } = said;
  return {
    ...(uses !== undefined && { usesMax: uses }),
    ...(traits !== undefined && { traits: listText(traits) }),
    ...(active !== undefined && { active: active ? 1 : 0 }),
    ...spanPart(said),
  };
}

function spanPart(said: Pick<ImportedPass, "starts_at" | "ends_at">) {
  const { starts_at: startsAt, ends_at: endsAt } = said;
  return {
    ...(startsAt !== undefined && { startsAt }),
    ...(endsAt !== undefined && { endsAt }),
  };
}

/** In one order, so that the same traits are the same text. */
const listText = (traits: readonly string[]): string => JSON.stringify([...new Set(traits)].sort());

interface Spanned {
  readonly startsAt: number | null;
  readonly endsAt: number | null;
}

export const isSpan = ({ startsAt, endsAt }: Spanned): boolean =>
  startsAt === null || endsAt === null || startsAt < endsAt;

/** Columns are texts, numbers and nulls. */
export function isSame<Row extends object>(one: Row, other: Row): boolean {
  for (const column in one) if (one[column] !== other[column]) return false;
  return true;
}
