import type { RuleRecord } from "../../domain/access.ts";
import { type RuleId, ruleId, type UserId } from "../../domain/ids.ts";
import { IdColumn } from "./id-column.ts";
import { indexArray } from "./index-array.ts";

export interface Numbering {
  readonly userCount: number;
  readonly doorCount: number;
  readonly userNumber: (id: UserId) => number;
  /** The rule's own doors and those of its zones. */
  readonly doorsOf: (rule: RuleRecord) => Iterable<number>;
  readonly scheduleNumber: (id: NonNullable<RuleRecord["schedule"]>) => number;
}

/**
 * Who may go where, when. Users who are in the same rules share one profile, which is the list of
 * those rules, of the kinds that admit people: a million users have a handful of profiles at most sites, and where each has rooms of
 * their own a profile takes 8 bytes.
 */
export class AccessProfiles {
  private readonly profileOf: Uint8Array | Uint16Array | Uint32Array;
  /** The rules of profile p are `rules[profileStarts[p]]` to before `rules[profileStarts[p + 1]]`. */
  private readonly profileStarts: Uint32Array;
  private readonly rules: Uint32Array;
  /** For each rule as many words as the doors need bits. */
  private readonly doorBits: Uint32Array;
  private readonly wordsPerRule: number;
  /** The schedule's number plus one; 0 for always. */
  private readonly schedules: Uint32Array;
  /** False where nobody needs to look which do. */
  readonly someAskTwoFactors: boolean;
  /** Per rule: 1 where it admits with card and PIN only. */
  private readonly twoFactors: Uint8Array;
  private readonly ids: IdColumn;

  constructor(rules: readonly RuleRecord[], numbering: Numbering) {
    const interned = internProfiles(rules, numbering);
    this.profileOf = indexArray(numbering.userCount, interned.lists.length);
    this.profileOf.set(interned.profileOf);
    this.profileStarts = new Uint32Array(interned.lists.length + 1);
    let end = 0;
    for (const [profile, list] of interned.lists.entries()) {
      end += list.length;
      this.profileStarts[profile + 1] = end;
    }
    this.rules = new Uint32Array(end);
    for (const [profile, list] of interned.lists.entries()) {
      this.rules.set(list, this.profileStarts[profile]);
    }

    this.wordsPerRule = Math.max(1, (numbering.doorCount + 31) >>> 5);
    this.doorBits = new Uint32Array(rules.length * this.wordsPerRule);
    this.schedules = new Uint32Array(rules.length);
    for (const [number, rule] of rules.entries()) {
      for (const door of numbering.doorsOf(rule)) {
        const word = number * this.wordsPerRule + (door >>> 5);
        this.doorBits[word] = (this.doorBits[word] ?? 0) | (1 << (door & 31));
      }
      if (rule.schedule !== undefined) {
        this.schedules[number] = numbering.scheduleNumber(rule.schedule) + 1;
      }
    }
    this.twoFactors = Uint8Array.from(rules, (rule) => (rule.kind === "grant" ? 0 : 1));
    this.someAskTwoFactors = this.twoFactors.includes(1);
    this.ids = new IdColumn(rules.length, 1, (number) => rules[number]?.id ?? "");
  }

  /** A user's rules are `ruleAt(place)` for each place from `firstPlace(user)` to before `endPlace`. */
  firstPlace(user: number): number {
    return this.profileStarts[this.profileOf[user] ?? -1] ?? 0;
  }

  endPlace(user: number): number {
    return this.profileStarts[(this.profileOf[user] ?? -2) + 1] ?? 0;
  }

  ruleAt(place: number): number {
    return this.rules[place] ?? -1;
  }

  covers(rule: number, door: number): boolean {
    const word = this.doorBits[rule * this.wordsPerRule + (door >>> 5)] ?? 0;
    return ((word >>> (door & 31)) & 1) === 1;
  }

  /** The number of the rule's schedule, or -1 where it is always in force. */
  schedule(rule: number): number {
    const schedule = this.schedules[rule];
    // Never "always" for a rule that is not there.
    if (schedule === undefined) throw new Error(`no rule ${rule}`);
    return schedule - 1;
  }

  /** Whether this rule admits with card and PIN only. */
  asksTwoFactors(rule: number): boolean {
    return this.twoFactors[rule] !== 0;
  }

  id(rule: number): RuleId {
    return ruleId(this.ids.at(rule, 0));
  }
}

/**
 * A profile is reached from another by one more rule, so walking the rules in order and moving each
 * of a rule's users along gives equal lists equal profiles without a list for each user.
 */
function internProfiles(
  rules: readonly RuleRecord[],
  numbering: Numbering,
): { readonly profileOf: Uint32Array; readonly lists: readonly (readonly number[])[] } {
  const reached = new Uint32Array(numbering.userCount);
  const without: number[] = [0];
  const lastRule: number[] = [-1];
  for (const [rule, record] of rules.entries()) {
    const movedTo = new Map<number, number>();
    for (const id of record.users) {
      const user = numbering.userNumber(id);
      const from = reached[user] ?? 0;
      // Named twice in one rule.
      if (lastRule[from] === rule) continue;
      let to = movedTo.get(from);
      if (to === undefined) {
        to = without.push(from) - 1;
        lastRule.push(rule);
        movedTo.set(from, to);
      }
      reached[user] = to;
    }
  }

  const lists: (readonly number[])[] = [];
  const numberOf = new Map<number, number>();
  const profileOf = reached.map((last) => {
    const known = numberOf.get(last);
    if (known !== undefined) return known;
    const list: number[] = [];
    for (let at = last; at !== 0; at = without[at] ?? 0) list.push(lastRule[at] ?? -1);
    const number = lists.push(list.reverse()) - 1;
    numberOf.set(last, number);
    return number;
  });
  return { profileOf, lists };
}
