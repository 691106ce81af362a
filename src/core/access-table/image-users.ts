import { type UserId, userId } from "../../domain/ids.ts";
import { IdColumn } from "./id-column.ts";
import type { ImageColumns } from "./image-columns.ts";
import type { IndexArray } from "./index-array.ts";
import { suspendedFlag } from "./user-flags.ts";

/**
 * The users of an image, by number, which is the order of their ids. Users of the same rules share one
 * profile, which is the list of those rules: a million users have a handful of profiles at most sites,
 * and where each has rooms of their own a profile takes 8 bytes.
 */
export class ImageUsers {
  readonly count: number;
  private readonly ids: IdColumn;
  private readonly flags: Uint8Array;
  private readonly profiles: IndexArray;
  private readonly passCounts: IndexArray;
  /** The rules of profile p are `rules[starts[p]]` to before `rules[starts[p + 1]]`. */
  private readonly profileStarts: Uint32Array;
  private readonly rules: Uint32Array;

  constructor(columns: ImageColumns) {
    this.count = columns.userFlags.length;
    this.ids = new IdColumn(columns.userIds, columns.userIdBlocks);
    this.flags = columns.userFlags;
    this.profiles = columns.userProfiles;
    this.passCounts = columns.userPassCounts;
    this.profileStarts = columns.profileStarts;
    this.rules = columns.profileRules;
  }

  /** How many places there are for rules: they are below this. */
  get placeCount(): number {
    return this.rules.length;
  }

  seek(user: number): void {
    this.ids.seek(user);
  }

  id(user: number): UserId {
    return userId(this.ids.at(user));
  }

  /** -1 for a user who is not in the image. */
  numberOf(id: UserId): number {
    return this.ids.find(id, 0, this.count);
  }

  /** Whoever is not there is as good as suspended. */
  flagsOf(user: number): number {
    return this.flags[user] ?? suspendedFlag;
  }

  passCountOf(user: number): number {
    return this.passCounts[user] ?? 0;
  }

  firstPlace(user: number): number {
    return this.profileStarts[this.profiles[user] ?? -1] ?? 0;
  }

  endPlace(user: number): number {
    return this.profileStarts[(this.profiles[user] ?? -2) + 1] ?? 0;
  }

  ruleAt(place: number): number {
    return this.rules[place] ?? -1;
  }
}
