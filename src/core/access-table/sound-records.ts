import type { PassRecord } from "../../domain/access.ts";
import { isId } from "../../domain/ids.ts";
import type { TableUser } from "../../domain/table-change.ts";
import { newKeyBuffer, notAKey, writePresentedKey } from "./credential-key.ts";
import { TableFault } from "./table-fault.ts";

const countMax = 0xffff_ffff;
const key = newKeyBuffer();

/** Throws a TableFault for a pass that an image could not hold as it is. */
export function requireSoundPass(pass: PassRecord): void {
  requireId(pass.id);
  const { startsAt = 0, endsAt = 0, usesMax = 0, spentHere = 0, spentElsewhere = 0 } = pass;
  if (writePresentedKey(pass.presents, key) === notAKey) {
    throw new TableFault(`pass ${pass.id} presents no well-formed credential`);
  }
  if (!Number.isFinite(startsAt) || !Number.isFinite(endsAt)) {
    throw new TableFault(`pass ${pass.id} starts or ends at no time`);
  }
  if (![usesMax, spentHere, spentElsewhere].every(isCount)) {
    throw new TableFault(`pass ${pass.id} counts its uses beyond all bounds`);
  }
}

/** Likewise of a user, but for the rules. */
export function requireSoundUser({ id }: TableUser): void {
  requireId(id);
}

function requireId(id: string): void {
  if (!isId(id)) throw new TableFault(`an identifier that is none: ${JSON.stringify(id)}`);
}

function isCount(count: number): boolean {
  return Number.isInteger(count) && count >= 0 && count <= countMax;
}
