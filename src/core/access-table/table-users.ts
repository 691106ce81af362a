import type { UserTrait } from "../../domain/access.ts";
import { type UserId, userId } from "../../domain/ids.ts";
import type { TableUser } from "../../domain/table-change.ts";
import { IdColumn } from "./id-column.ts";
import type { ImageColumns } from "./image-columns.ts";
import type { IndexArray } from "./index-array.ts";
import { flagsHaveTrait, flagsOf, suspendedFlag } from "./user-flags.ts";

/** A user who is not, or no longer, as the image has him. */
interface ChangedUser {
  readonly id: UserId;
  readonly isGone: boolean;
  readonly flags: number;
  readonly firstPlace: number;
  readonly endPlace: number;
}

/**
 * The users of a table: those of the image, and over them those whom deltas have changed. A user keeps
 * his number for as long as the table is; who is new gets the next one.
 *
 * In the image, users of the same rules share one profile, which is the list of those rules: a million
 * users have a handful of profiles at most sites, and where each has rooms of their own a profile takes
 * 8 bytes.
 */
export class TableUsers {
  /** What the image has, by number; numbers are the order of the ids. */
  private readonly imageCount: number;
  private readonly ids: IdColumn;
  private readonly flags: Uint8Array;
  private readonly profiles: IndexArray;
  private readonly passCounts: IndexArray;
  /** Profile p has `imageRules[starts[p]]` to before `imageRules[starts[p + 1]]`. */
  private readonly profileStarts: Uint32Array;
  private readonly imageRules: Uint32Array;
  private readonly changed = new Map<number, ChangedUser>();
  /** While nothing has changed a decision pays no more for it than to look at this. */
  private isChanged = false;
  private readonly added = new Map<UserId, number>();
  /** Rules of changed users: places go on here behind the image's. */
  private readonly addedRules: number[] = [];
  /** From a list of rules to its first place, so that users who change again and again share one. */
  private readonly placesOfRules = new Map<string, number>();
  /** By how many passes more than in the image name a user. */
  private readonly passesAdded = new Map<number, number>();

  constructor(columns: ImageColumns) {
    this.imageCount = columns.userFlags.length;
    this.ids = new IdColumn(columns.userIds, columns.userIdBlocks);
    this.flags = columns.userFlags;
    this.profiles = columns.userProfiles;
    this.passCounts = columns.userPassCounts;
    this.profileStarts = columns.profileStarts;
    this.imageRules = columns.profileRules;
  }

  get count(): number {
    let count = this.imageCount + this.added.size;
    for (const { isGone } of this.changed.values()) if (isGone) count -= 1;
    return count;
  }

  /** How many users are not as in the image. */
  get changeCount(): number {
    return this.changed.size;
  }

  /** -1 for a user who is not in the table. */
  numberOf(id: UserId): number {
    const number = this.numberEverOf(id);
    return this.changed.get(number)?.isGone === true ? -1 : number;
  }

  /** Begins to find a user's name, while other things are done. */
  seek(user: number): void {
    if (user < this.imageCount) this.ids.seek(user);
  }

  id(user: number): UserId {
    return this.changeOf(user)?.id ?? userId(this.ids.at(user));
  }

  /** So is a user who is not there. */
  isSuspended(user: number): boolean {
    return (this.flagsOf(user) & suspendedFlag) !== 0;
  }

  hasTrait(user: number, trait: UserTrait): boolean {
    return flagsHaveTrait(this.flagsOf(user), trait);
  }

  /** A user's rules are `ruleAt(place)` for each place from here to before `endPlace(user)`. */
  firstPlace(user: number): number {
    const changed = this.changeOf(user);
    return changed === undefined
      ? (this.profileStarts[this.profiles[user] ?? -1] ?? 0)
      : changed.firstPlace;
  }

  endPlace(user: number): number {
    const changed = this.changeOf(user);
    return changed === undefined
      ? (this.profileStarts[(this.profiles[user] ?? -2) + 1] ?? 0)
      : changed.endPlace;
  }

  /** The ordinal of a rule, which may have gone. */
  ruleAt(place: number): number {
    return this.imageRules[place] ?? this.addedRules[place - this.imageRules.length] ?? -1;
  }

  namesRule(user: number, ordinal: number): boolean {
    const end = this.endPlace(user);
    for (let place = this.firstPlace(user); place < end; place += 1) {
      if (this.ruleAt(place) === ordinal) return true;
    }
    return false;
  }

  flagsOf(user: number): number {
    return this.changeOf(user)?.flags ?? this.flags[user] ?? suspendedFlag;
  }

  /** How many passes name this user. */
  passCountOf(user: number): number {
    return (this.passCounts[user] ?? 0) + (this.passesAdded.get(user) ?? 0);
  }

  /** The numbers of the users who are there, in the order of their ids. */
  *inOrder(): Generator<number> {
    const added = [...this.added].sort(([one], [other]) => (one < other ? -1 : 1));
    let next = 0;
    for (let user = 0; user < this.imageCount; user += 1) {
      // The names are only looked at where there is somebody to come between.
      for (; next < added.length; next += 1) {
        const [id, number] = added[next] ?? ["", -1];
        if (id > this.ids.at(user)) break;
        if (this.isThere(number)) yield number;
      }
      if (this.isThere(user)) yield user;
    }
    for (const [, number] of added.slice(next)) if (this.isThere(number)) yield number;
  }

  /** By number: which of the users who are there, in the order of their ids, it is. */
  numbersInOrder(): Uint32Array {
    const numbers = new Uint32Array(this.imageCount + this.added.size);
    let place = 0;
    for (const user of this.inOrder()) {
      numbers[user] = place;
      place += 1;
    }
    return numbers;
  }

  /** `ordinals` of the user's rules, in order. */
  set(user: TableUser, ordinals: readonly number[]): void {
    let number = this.numberEverOf(user.id);
    if (number < 0) {
      number = this.imageCount + this.added.size;
      this.added.set(user.id, number);
    }
    const firstPlace = this.placeOf(ordinals);
    this.change(number, {
      id: user.id,
      isGone: false,
      flags: flagsOf(user),
      firstPlace,
      endPlace: firstPlace + ordinals.length,
    });
  }

  remove(id: UserId): void {
    const number = this.numberEverOf(id);
    if (number < 0) return;
    const gone = { id, isGone: true, flags: suspendedFlag, firstPlace: 0, endPlace: 0 };
    this.change(number, gone);
  }

  countPass(user: number, change: 1 | -1): void {
    this.passesAdded.set(user, (this.passesAdded.get(user) ?? 0) + change);
  }

  private numberEverOf(id: UserId): number {
    return this.added.get(id) ?? this.ids.find(id, 0, this.imageCount);
  }

  private isThere(user: number): boolean {
    return this.changed.get(user)?.isGone !== true;
  }

  private changeOf(user: number): ChangedUser | undefined {
    return this.isChanged ? this.changed.get(user) : undefined;
  }

  private change(number: number, user: ChangedUser): void {
    this.changed.set(number, user);
    this.isChanged = true;
  }

  private placeOf(ordinals: readonly number[]): number {
    const list = ordinals.join();
    const known = this.placesOfRules.get(list);
    if (known !== undefined) return known;
    const place = this.imageRules.length + this.addedRules.length;
    for (const ordinal of ordinals) this.addedRules.push(ordinal);
    this.placesOfRules.set(list, place);
    return place;
  }
}
