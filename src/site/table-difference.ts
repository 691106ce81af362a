import { isDeepStrictEqual } from "node:util";
import type { PassRecord } from "../domain/access.ts";
import type { ControllerId, PassId, RuleId, UserId } from "../domain/ids.ts";
import type { TableFrame, TableUser } from "../domain/table-change.ts";
import type { ControllerView } from "./controller-view.ts";
import { type SiteState, scopeOf } from "./site-state.ts";
import type { SiteView } from "./site-view.ts";
import type { StateBefore } from "./state-before.ts";

/** A record as it was and as it is to be; undefined where it was not, or will not be, there. */
export interface Replaced<Record> {
  readonly before: Record | undefined;
  readonly after: Record | undefined;
}

/** What is different in one controller's table. Each user and each pass at most once. */
export interface TableDifference {
  readonly frame?: { readonly before: TableFrame; readonly after: TableFrame };
  readonly users: readonly Replaced<TableUser>[];
  readonly passes: readonly Replaced<PassRecord>[];
}

export interface Comparison {
  readonly before: SiteView;
  readonly after: SiteView;
  /** What was changed between the two; absent: nothing but uses. */
  readonly changed: StateBefore | undefined;
  /** Those whose tables are of interest, with or without doors. */
  readonly controllers: Iterable<ControllerId>;
  /** Passes of which other uses are spent than before. */
  readonly spent: Iterable<PassId>;
}

/**
 * What leads each controller's table from one state of the site to the next; those with nothing new
 * are left out. Looks at what was touched, at the controllers that it concerns, and at nothing else.
 */
export function tableDifferences(
  comparison: Comparison,
): ReadonlyMap<ControllerId, TableDifference> {
  const { before, after, controllers } = comparison;
  const concerned = concernedControllers(comparison);
  const framed = framedControllers(comparison);
  const differences = new Map<ControllerId, TableDifference>();
  for (const controller of new Set(controllers)) {
    const people = concerned.get(controller);
    const isFramed = framed === "all" || framed.has(controller);
    if (people === undefined && !isFramed) continue;
    const views = { before: before.at(controller), after: after.at(controller) };
    const frame = isFramed ? frameDifference(views) : undefined;
    const { users, passes } = peopleDifference(comparison, views, people ?? newConcern());
    if (frame === undefined && users.length === 0 && passes.length === 0) continue;
    differences.set(controller, { ...(frame !== undefined && { frame }), users, passes });
  }
  return differences;
}

interface Views {
  readonly before: ControllerView;
  readonly after: ControllerView;
}

/** Who may be different at one controller. */
interface Concern {
  readonly users: Set<UserId>;
  readonly passes: Set<PassId>;
}

const newConcern = (): Concern => ({ users: new Set(), passes: new Set() });

function concernedControllers({
  before,
  after,
  changed,
  spent,
}: Comparison): ReadonlyMap<ControllerId, Concern> {
  const concerned = new Map<ControllerId, Concern>();
  const concernAt = (controller: ControllerId): Concern => {
    const known = concerned.get(controller);
    if (known !== undefined) return known;
    const made = newConcern();
    concerned.set(controller, made);
    return made;
  };
  const states = [before.state, after.state];
  for (const user of changed?.touchedUsers ?? []) {
    for (const state of states) {
      for (const controller of scopeOf(state, user)) concernAt(controller).users.add(user);
    }
  }
  for (const pass of new Set([...(changed?.passesWere.keys() ?? []), ...spent])) {
    for (const state of states) {
      const user = state.pass(pass)?.user;
      if (user === undefined) continue;
      for (const controller of scopeOf(state, user)) concernAt(controller).passes.add(pass);
    }
  }
  for (const controller of changed?.anybodyAt.keys() ?? []) {
    for (const state of states) {
      for (const { id } of state.usersAt(controller)) concernAt(controller).users.add(id);
    }
  }
  return concerned;
}

/** Whose frames may be different. */
function framedControllers({
  before: { state: before },
  after: { state: after },
  changed,
}: Comparison): "all" | ReadonlySet<ControllerId> {
  if (changed === undefined) return new Set();
  if (changed.places !== after.places) return "all";
  const isEmptied = (rule: RuleId) => before.hasMembers(rule) !== after.hasMembers(rule);
  const rules = [
    ...changed.rulesWere.keys(),
    ...[...changed.memberCounts.keys()].filter(isEmptied),
  ];
  const coverages = (rule: RuleId) => [...before.coverageOf(rule), ...after.coverageOf(rule)];
  return new Set(rules.flatMap(coverages));
}

function frameDifference({ before, after }: Views): TableDifference["frame"] {
  const frames = { before: before.frame, after: after.frame };
  return isDeepStrictEqual(frames.before, frames.after) ? undefined : frames;
}

function peopleDifference(
  sites: Pick<Comparison, "before" | "after">,
  { before, after }: Views,
  concern: Concern,
): Pick<TableDifference, "users" | "passes"> {
  const users: Replaced<TableUser>[] = [];
  const concernedPasses = new Set(concern.passes);
  for (const id of concern.users) {
    const user = { before: before.user(id), after: after.user(id) };
    if (isDeepStrictEqual(user.before, user.after)) continue;
    users.push(user);
    if (user.before !== undefined && user.after !== undefined) continue;
    // Whoever comes or goes does so with all passes, whether those are different or not.
    for (const { state } of [sites.before, sites.after]) addPasses(state, id, concernedPasses);
  }
  const passes: Replaced<PassRecord>[] = [];
  for (const id of concernedPasses) {
    const pass = { before: before.pass(id), after: after.pass(id) };
    if (!isDeepStrictEqual(pass.before, pass.after)) passes.push(pass);
  }
  return { users, passes };
}

function addPasses(state: SiteState, user: UserId, to: Set<PassId>): void {
  for (const { id } of state.passesOf(user)) to.add(id);
}
