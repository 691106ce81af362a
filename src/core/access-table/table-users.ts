import type { UserTrait } from "../../domain/access.ts";
import type { UserId } from "../../domain/ids.ts";
import type { TableUser } from "../../domain/table-change.ts";
import type { ImageUsers } from "./image-users.ts";
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
 */
export class TableUsers {
  private readonly image: ImageUsers;
  private readonly changed = new Map<number, ChangedUser>();
  private readonly added = new Map<UserId, number>();
  /** Rules of changed users: places go on here behind the image's. */
  private readonly addedRules: number[] = [];
  /** From a list of rules to its first place, so that users who change again and again share one. */
  private readonly placesOfRules = new Map<string, number>();
  /** By how many passes more than in the image name a user. */
  private readonly passesAdded = new Map<number, number>();

  constructor(image: ImageUsers) {
    this.image = image;
  }

  get count(): number {
    let count = this.image.count + this.added.size;
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
    if (user < this.image.count) this.image.seek(user);
  }

  id(user: number): UserId {
    return this.changeOf(user)?.id ?? this.image.id(user);
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
    return changed === undefined ? this.image.firstPlace(user) : changed.firstPlace;
  }

  endPlace(user: number): number {
    const changed = this.changeOf(user);
    return changed === undefined ? this.image.endPlace(user) : changed.endPlace;
  }

  /** The ordinal of a rule, which may have gone. */
  ruleAt(place: number): number {
    const { placeCount } = this.image;
    if (place < placeCount) return this.image.ruleAt(place);
    return this.addedRules[place - placeCount] ?? -1;
  }

  namesRule(user: number, ordinal: number): boolean {
    const end = this.endPlace(user);
    for (let place = this.firstPlace(user); place < end; place += 1) {
      if (this.ruleAt(place) === ordinal) return true;
    }
    return false;
  }

  flagsOf(user: number): number {
    return this.changeOf(user)?.flags ?? this.image.flagsOf(user);
  }

  /** How many passes name this user. */
  passCountOf(user: number): number {
    return this.image.passCountOf(user) + (this.passesAdded.get(user) ?? 0);
  }

  /** The numbers of the users who are there, in the order of their ids. */
  *inOrder(): Generator<number> {
    const added = [...this.added].sort(([one], [other]) => (one < other ? -1 : 1));
    let next = 0;
    for (let user = 0; user < this.image.count; user += 1) {
      // The names are only looked at where there is somebody to come between.
      for (; next < added.length; next += 1) {
        const [id, number] = added[next] ?? ["", -1];
        if (id > this.image.id(user)) break;
        if (this.isThere(number)) yield number;
      }
      if (this.isThere(user)) yield user;
    }
    for (const [, number] of added.slice(next)) if (this.isThere(number)) yield number;
  }

  /** By number: which of the users who are there, in the order of their ids, it is. */
  numbersInOrder(): Uint32Array {
    const numbers = new Uint32Array(this.image.count + this.added.size);
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
      number = this.image.count + this.added.size;
      this.added.set(user.id, number);
    }
    const firstPlace = this.placeOf(ordinals);
    this.changed.set(number, {
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
    this.changed.set(number, gone);
  }

  countPass(user: number, change: 1 | -1): void {
    this.passesAdded.set(user, (this.passesAdded.get(user) ?? 0) + change);
  }

  private numberEverOf(id: UserId): number {
    return this.added.get(id) ?? this.image.numberOf(id);
  }

  private isThere(user: number): boolean {
    return this.changed.get(user)?.isGone !== true;
  }

  /** Where nothing has changed a decision pays no more for it than this. */
  private changeOf(user: number): ChangedUser | undefined {
    return this.changed.size === 0 ? undefined : this.changed.get(user);
  }

  private placeOf(ordinals: readonly number[]): number {
    const list = ordinals.join();
    const known = this.placesOfRules.get(list);
    if (known !== undefined) return known;
    const place = this.image.placeCount + this.addedRules.length;
    for (const ordinal of ordinals) this.addedRules.push(ordinal);
    this.placesOfRules.set(list, place);
    return place;
  }
}
