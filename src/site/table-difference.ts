import { isDeepStrictEqual } from "node:util";
import type { PassRecord } from "../domain/access.ts";
import type { ControllerId, PassId, UserId } from "../domain/ids.ts";
import type { TableFrame, TableUser } from "../domain/table-change.ts";
import type { ControllerView } from "./controller-view.ts";
import { findTouched, type Touched } from "./model-difference.ts";
import type { SiteView } from "./site-view.ts";

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
  /** Those whose tables are of interest, with or without doors. */
  readonly controllers: Iterable<ControllerId>;
  /** Passes of which other uses are spent than before. */
  readonly spent: Iterable<PassId>;
}

/**
 * What leads each controller's table from one state of the site to the next; those with nothing new
 * are left out. Looks at each pass of the site once, however many controllers there are, and at a
 * controller only for those who concern it.
 */
export function tableDifferences(
  comparison: Comparison,
): ReadonlyMap<ControllerId, TableDifference> {
  const { before, after, controllers } = comparison;
  const touched = findTouched(before.index, after.index);
  const concerned = concernedControllers(comparison, touched);
  const differences = new Map<ControllerId, TableDifference>();
  for (const controller of new Set(controllers)) {
    const views = { before: before.at(controller), after: after.at(controller) };
    const frame = touched.surroundings ? frameDifference(views) : undefined;
    const people = concerned.get(controller);
    if (frame === undefined && people === undefined) continue;
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

function concernedControllers(
  { before, after, spent }: Comparison,
  touched: Touched,
): ReadonlyMap<ControllerId, Concern> {
  const concerned = new Map<ControllerId, Concern>();
  const concernAt = (controller: ControllerId): Concern => {
    const known = concerned.get(controller);
    if (known !== undefined) return known;
    const made = newConcern();
    concerned.set(controller, made);
    return made;
  };
  const indexes = [before.index, after.index];
  for (const user of touched.users) {
    for (const index of indexes) {
      for (const controller of index.scopeOf(user)) concernAt(controller).users.add(user);
    }
  }
  for (const pass of new Set([...touched.passes, ...spent])) {
    for (const index of indexes) {
      const user = index.passes.get(pass)?.user;
      if (user === undefined) continue;
      for (const controller of index.scopeOf(user)) concernAt(controller).passes.add(pass);
    }
  }
  for (const controller of touched.controllers) {
    for (const index of indexes) {
      for (const { id } of index.usersAt(controller)) concernAt(controller).users.add(id);
    }
  }
  return concerned;
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
    for (const { index } of [sites.before, sites.after]) {
      for (const pass of index.passesOf(id)) concernedPasses.add(pass.id);
    }
  }
  const passes: Replaced<PassRecord>[] = [];
  for (const id of concernedPasses) {
    const pass = { before: before.pass(id), after: after.pass(id) };
    if (!isDeepStrictEqual(pass.before, pass.after)) passes.push(pass);
  }
  return { users, passes };
}
