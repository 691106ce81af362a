import type { UserRecord, UserTrait } from "../../domain/access.ts";

const suspendedFlag = 1;
const traitFlags: Readonly<Record<UserTrait, number>> = {
  extra_time: 2,
  needs_escort: 4,
  may_escort: 8,
  manager: 16,
  passback_exempt: 32,
};

/** What each user is, by number, in a byte. */
export class UserFlags {
  private readonly flags: Uint8Array;

  constructor(users: readonly UserRecord[]) {
    this.flags = Uint8Array.from(users, ({ suspended, traits = [] }) =>
      traits.reduce((flags, trait) => flags | traitFlags[trait], suspended ? suspendedFlag : 0),
    );
  }

  /** So is a user who is not there. */
  isSuspended(user: number): boolean {
    return ((this.flags[user] ?? suspendedFlag) & suspendedFlag) !== 0;
  }

  hasTrait(user: number, trait: UserTrait): boolean {
    return ((this.flags[user] ?? 0) & traitFlags[trait]) !== 0;
  }
}
