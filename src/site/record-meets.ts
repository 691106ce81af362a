import { isDeepStrictEqual } from "node:util";
import type { PassRecord } from "../domain/access.ts";
import { earliest } from "../domain/earliest.ts";
import type { TableUser } from "../domain/table-change.ts";

/** A record that is there before a change and after it. */
export interface Kept<Record> {
  readonly before: Record;
  readonly after: Record;
}

/**
 * A pass that opens what both open, when both do, and no more often than either. Where the two have
 * nothing in common it is not active, and never gone: a controller forgets the uses of a pass that
 * goes, and would give them back when it comes again.
 */
export function meetOfPasses({ before, after }: Kept<PassRecord>): PassRecord {
  const { active, startsAt: _start, endsAt: _end, ...common } = before;
  const startsAt = latest(before.startsAt, after.startsAt);
  const endsAt = earliest(before.endsAt, after.endsAt);
  const isEver = startsAt === undefined || endsAt === undefined || startsAt <= endsAt;
  if (!isEver || !areAlike(before, after)) return { ...before, active: false };
  const { usesMax: _max, spentHere: _here, spentElsewhere: _elsewhere, ...uncounted } = common;
  return {
    ...uncounted,
    active: active && after.active,
    ...(startsAt !== undefined && { startsAt }),
    ...(endsAt !== undefined && { endsAt }),
    ...fewestUses(before, after),
  };
}

/** A user who has what both have: nothing where a trait is not the same, or where he goes. */
export function meetOfUsers({ before, after }: Kept<TableUser | undefined>): TableUser | undefined {
  if (before === undefined) return undefined;
  if (after === undefined) return { ...before, suspended: true, rules: [] };
  const suspended = before.suspended || after.suspended || !haveSameTraits(before, after);
  return { ...before, suspended, rules: before.rules.filter((rule) => after.rules.includes(rule)) };
}

/** But for when, and how often, they open. */
function areAlike(one: PassRecord, other: PassRecord): boolean {
  return (
    one.user === other.user &&
    one.kind === other.kind &&
    isDeepStrictEqual(one.presents, other.presents) &&
    haveSameTraits(one, other)
  );
}

interface Characterised {
  readonly traits?: readonly string[];
}

const haveSameTraits = (one: Characterised, other: Characterised): boolean =>
  isDeepStrictEqual(new Set(one.traits), new Set(other.traits));

type UseCount = Pick<PassRecord, "usesMax" | "spentHere" | "spentElsewhere">;

/**
 * Of the one that leaves fewer, whatever its controller has spent that nobody else knows of: how
 * much was spent here at least, both may know.
 */
function fewestUses(one: PassRecord, other: PassRecord): UseCount {
  const { usesMax, spentElsewhere } = allowance(other) < allowance(one) ? other : one;
  if (usesMax === undefined) return {};
  const spentHere = Math.max(one.spentHere ?? 0, other.spentHere ?? 0);
  return {
    usesMax,
    ...(spentHere > 0 && { spentHere }),
    ...(spentElsewhere !== undefined && { spentElsewhere }),
  };
}

/** What this controller may spend in all. */
const allowance = ({ usesMax = Infinity, spentElsewhere = 0 }: UseCount): number =>
  usesMax - spentElsewhere;

function latest<At extends number>(one: At | undefined, other: At | undefined): At | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one > other ? one : other;
}
