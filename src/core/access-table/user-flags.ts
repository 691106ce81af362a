import { type UserRecord, type UserTrait, userTraits } from "../../domain/access.ts";

export const suspendedFlag = 1;
const traitFlags: Readonly<Record<UserTrait, number>> = {
  extra_time: 2,
  needs_escort: 4,
  may_escort: 8,
  manager: 16,
  passback_exempt: 32,
};
export const userFlagsMax = 63;

/** What a user is, in a byte. */
export function flagsOf({ suspended, traits = [] }: UserRecord): number {
  return traits.reduce((flags, trait) => flags | traitFlags[trait], suspended ? suspendedFlag : 0);
}

export function flagsHaveTrait(flags: number, trait: UserTrait): boolean {
  return (flags & traitFlags[trait]) !== 0;
}

/** The way back: without `traits` where there are none. */
export function userOfFlags(id: UserRecord["id"], flags: number): UserRecord {
  const suspended = (flags & suspendedFlag) !== 0;
  const traits = userTraits.filter((trait) => flagsHaveTrait(flags, trait));
  return traits.length === 0 ? { id, suspended } : { id, suspended, traits };
}
