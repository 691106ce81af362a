import type { RuleId } from "../../domain/ids.ts";
import { admitsPeople, type RuleColumns } from "./rule-columns.ts";
import type { TableUsers } from "./table-users.ts";

/** Who may go where, when: the rules of each user, and what each of them covers. */
export class TableRules {
  /** False where nobody needs to look which do. */
  readonly someAskTwoFactors: boolean;
  private readonly users: TableUsers;
  private readonly columns: RuleColumns;

  constructor(users: TableUsers, columns: RuleColumns) {
    this.users = users;
    this.columns = columns;
    this.someAskTwoFactors = columns.someAskTwoFactors;
  }

  /**
   * A user's rules are `ruleAt(place)` for each place from `firstPlace(user)` to before `endPlace`.
   * Some of them may cover no door: those that only unlock, and those that have gone.
   */
  firstPlace(user: number): number {
    return this.users.firstPlace(user);
  }

  endPlace(user: number): number {
    return this.users.endPlace(user);
  }

  ruleAt(place: number): number {
    return this.users.ruleAt(place);
  }

  /** Whether the rule admits people at this door. */
  covers(rule: number, door: number): boolean {
    return this.columns.covers(rule, door);
  }

  /** The number of the rule's schedule, or -1 where it is always in force. */
  schedule(rule: number): number {
    return this.columns.schedule(rule);
  }

  /** Whether this rule admits with card and PIN only. */
  asksTwoFactors(rule: number): boolean {
    return this.columns.asksTwoFactors(rule);
  }

  id(rule: number): RuleId {
    const found = this.columns.rule(rule);
    if (found === undefined) throw new Error(`no rule ${rule}`);
    return found.id;
  }

  /** How many rules admit this user somewhere. */
  admittingCount(user: number): number {
    let count = 0;
    for (let place = this.firstPlace(user); place < this.endPlace(user); place += 1) {
      const rule = this.columns.rule(this.ruleAt(place));
      if (rule !== undefined && admitsPeople(rule)) count += 1;
    }
    return count;
  }

  /** The rules that name this user, without those that have gone. */
  idsOf(user: number): readonly RuleId[] {
    const ids: RuleId[] = [];
    for (let place = this.firstPlace(user); place < this.endPlace(user); place += 1) {
      const rule = this.columns.rule(this.ruleAt(place));
      if (rule !== undefined) ids.push(rule.id);
    }
    return ids;
  }
}
