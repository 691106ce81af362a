import type { RuleId } from "../../domain/ids.ts";
import type { FrameRule, TableFrame } from "../../domain/table-change.ts";
import { TableFault } from "./table-fault.ts";

/** How what rules name becomes numbers of this table. */
export interface RuleNumbering {
  readonly doorCount: number;
  /** The rule's own doors and those of its zones. */
  readonly doorsOf: (rule: FrameRule) => Iterable<number>;
  readonly scheduleNumber: (id: NonNullable<FrameRule["schedule"]>) => number;
}

/**
 * Where and when rules admit those whom they are for, by ordinal. A rule keeps its ordinal for as long
 * as users may name it. The ordinals of rules that have gone, or that admit nobody, cover no door.
 */
export class RuleColumns {
  /** Ordinals are below this. */
  readonly count: number;
  /** False where nobody needs to look which do. */
  readonly someAskTwoFactors: boolean;
  private readonly ordinals: ReadonlyMap<RuleId, number>;
  private readonly rules: readonly (FrameRule | undefined)[];
  /** For each rule as many words as the doors need bits. */
  private readonly doorBits: Uint32Array;
  private readonly wordsPerRule: number;
  /** The schedule's number plus one; 0 for always. */
  private readonly schedules: Uint32Array;
  /** Per rule: 1 where it admits with card and PIN only. */
  private readonly twoFactors: Uint8Array;

  constructor(frame: TableFrame, numbering: RuleNumbering, before?: RuleColumns) {
    const { ordinals, count } = ordinalsOf(frame, before);
    const rules = Array.from<FrameRule | undefined>({ length: count });
    for (const rule of frame.rules) rules[ordinals.get(rule.id) ?? -1] = rule;
    this.ordinals = ordinals;
    this.count = count;
    this.rules = rules;
    this.wordsPerRule = Math.max(1, (numbering.doorCount + 31) >>> 5);
    this.doorBits = new Uint32Array(count * this.wordsPerRule);
    this.schedules = new Uint32Array(count);
    this.twoFactors = new Uint8Array(count);
    for (const [ordinal, rule] of rules.entries()) {
      if (rule === undefined) continue;
      const doors = numbering.doorsOf(rule);
      const schedule = rule.schedule && numbering.scheduleNumber(rule.schedule);
      if (!admitsPeople(rule)) continue;
      for (const door of doors) this.cover(ordinal, door);
      if (schedule !== undefined) this.schedules[ordinal] = schedule + 1;
      if (rule.kind === "grant_two_factors") this.twoFactors[ordinal] = 1;
    }
    this.someAskTwoFactors = this.twoFactors.includes(1);
  }

  covers(ordinal: number, door: number): boolean {
    const word = this.doorBits[ordinal * this.wordsPerRule + (door >>> 5)] ?? 0;
    return ((word >>> (door & 31)) & 1) === 1;
  }

  /** The number of the rule's schedule, or -1 where it is always in force. */
  schedule(ordinal: number): number {
    const schedule = this.schedules[ordinal];
    // Never "always" for a rule that is not there.
    if (schedule === undefined) throw new Error(`no rule ${ordinal}`);
    return schedule - 1;
  }

  /** Whether this rule admits with card and PIN only. */
  asksTwoFactors(ordinal: number): boolean {
    return this.twoFactors[ordinal] !== 0;
  }

  /** Undefined for a rule that has gone. */
  rule(ordinal: number): FrameRule | undefined {
    return this.rules[ordinal];
  }

  /** Undefined for a rule that the table lacks. */
  ordinalOf(id: RuleId): number | undefined {
    return this.ordinals.get(id);
  }

  /** In order. Throws a TableFault for a rule that the table lacks or that is not for named users. */
  ordinalsOf(rules: readonly RuleId[]): readonly number[] {
    const ordinals = rules.map((id) => {
      const ordinal = this.ordinals.get(id);
      const rule = ordinal === undefined ? undefined : this.rules[ordinal];
      if (ordinal === undefined || rule === undefined) {
        throw new TableFault(`the table refers to rule ${id}, which it lacks`);
      }
      if (!takesUsers(rule)) throw new TableFault(`rule ${id} is not for named users`);
      return ordinal;
    });
    ordinals.sort((one, other) => one - other);
    const twice = ordinals.find((ordinal, index) => ordinal === ordinals[index - 1]);
    if (twice !== undefined) throw new TableFault("a user names one rule twice");
    return ordinals;
  }

  private cover(ordinal: number, door: number): void {
    const word = ordinal * this.wordsPerRule + (door >>> 5);
    this.doorBits[word] = (this.doorBits[word] ?? 0) | (1 << (door & 31));
  }
}

/** Whether users may name this rule. */
export function takesUsers({ kind, whom }: FrameRule): boolean {
  return kind !== "auto_unlock" && whom === "named_users";
}

export function admitsPeople({ kind }: Pick<FrameRule, "kind">): boolean {
  return kind === "grant" || kind === "grant_two_factors";
}

/**
 * A rule that went away, or stopped being for named users, is forgotten of every user: should it come
 * back it gets another ordinal, or those who had it before would have it again.
 */
function ordinalsOf(
  { rules }: TableFrame,
  before?: RuleColumns,
): { readonly ordinals: ReadonlyMap<RuleId, number>; readonly count: number } {
  const ordinals = new Map<RuleId, number>();
  let count = before?.count ?? 0;
  for (const rule of rules) {
    if (ordinals.has(rule.id)) throw new TableFault(`the table has rule ${rule.id} twice`);
    if (rule.whom === "anybody" && rule.kind !== "first_person_in") {
      throw new TableFault(`rule ${rule.id} is for anybody`);
    }
    const ordinal = before?.ordinalOf(rule.id);
    const former = ordinal === undefined ? undefined : before?.rule(ordinal);
    const isForgotten = former !== undefined && takesUsers(former) && !takesUsers(rule);
    if (ordinal !== undefined && !isForgotten) ordinals.set(rule.id, ordinal);
    else {
      ordinals.set(rule.id, count);
      count += 1;
    }
  }
  return { ordinals, count };
}
