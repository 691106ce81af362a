import type { PassId, RuleId, UserId } from "../domain/ids.ts";
import type { Touch } from "./issuer.ts";

/** What a change says that it wrote, each once. */
export class TouchedRows implements Touch {
  readonly users = new Set<UserId>();
  readonly passes = new Set<PassId>();
  readonly rules = new Set<RuleId>();
  readonly members = new Map<RuleId, Set<UserId>>();
  hasSurroundings = false;

  get isEmpty(): boolean {
    const counts = [this.users, this.passes, this.rules, this.members].map(({ size }) => size);
    return !this.hasSurroundings && counts.every((count) => count === 0);
  }

  user(id: UserId): void {
    this.users.add(id);
  }

  pass(id: PassId): void {
    this.passes.add(id);
  }

  rule(id: RuleId): void {
    this.rules.add(id);
  }

  member(rule: RuleId, user: UserId): void {
    const users = this.members.get(rule);
    if (users === undefined) this.members.set(rule, new Set([user]));
    else users.add(user);
  }

  surroundings(): void {
    this.hasSurroundings = true;
  }

  /** All that either touched. */
  add(other: TouchedRows): void {
    for (const id of other.users) this.user(id);
    for (const id of other.passes) this.pass(id);
    for (const id of other.rules) this.rule(id);
    for (const [rule, users] of other.members) for (const id of users) this.member(rule, id);
    this.hasSurroundings ||= other.hasSurroundings;
  }

  clear(): void {
    this.users.clear();
    this.passes.clear();
    this.rules.clear();
    this.members.clear();
    this.hasSurroundings = false;
  }
}
