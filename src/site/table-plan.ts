import { randomBytes } from "node:crypto";
import type { TableVersion } from "../domain/access.ts";
import type { ControllerId, PassId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { TableMark } from "../domain/table-change.ts";
import type { EpochMs } from "../domain/time.ts";
import { parseTableFrame } from "../protocols/sync/table-frame.ts";
import type { ControllerView } from "./controller-view.ts";
import { sealDifference } from "./sealed-difference.ts";
import { type SiteKeys, sealerOf } from "./site-keys.ts";
import type { SiteView } from "./site-view.ts";
import type { StateBefore } from "./state-before.ts";
import { type TableDifference, tableDifferences } from "./table-difference.ts";
import type { Fingerprinter, TableFingerprint } from "./table-fingerprint.ts";
import type { ShelfStep, ShelvedTable } from "./table-shelf.ts";

/** Why a controller would refuse what the model says of its doors. */
export interface TableFault {
  readonly controller: ControllerId;
  readonly detail: string;
}

export interface PlannedTable {
  readonly controller: ControllerId;
  readonly mark: TableMark;
  /** Absent: nothing in it is different, so that it keeps its number. */
  readonly step?: ShelfStep;
  /** Passes that the table before had; absent: nobody knows, or none. */
  readonly left?: readonly PassId[];
}

/** What an image of many passes takes for each. */
const imageBytesPerPass = 36;

export interface TablesToPlan {
  readonly keys: SiteKeys;
  readonly fingerprints: Fingerprinter;
  /** What there is now, and what it says; absent after a start: then only fingerprints can tell. */
  readonly tables: ReadonlyMap<ControllerId, ShelvedTable>;
  readonly before: SiteView | undefined;
  readonly after: SiteView;
  /** What was changed between the two; absent: nothing but uses, or nobody knows. */
  readonly changed: StateBefore | undefined;
  readonly spent: Iterable<PassId>;
  readonly now: EpochMs;
}

/**
 * The next table of each controller that has doors, or had some once and holds a table that must
 * not outlive them. Changes nothing yet. Frames are checked by the rules that controllers check
 * them by.
 */
export function planTables(to: TablesToPlan): Result<readonly PlannedTable[], TableFault> {
  const { keys, before, after, changed, tables, spent, fingerprints } = to;
  // Where the shelf was lost, whoever has a key may hold a table all the same.
  const controllers = new Set([
    ...after.state.places.controllers,
    ...tables.keys(),
    ...keys.controllers(),
  ]);
  const differences = before && tableDifferences({ before, after, changed, controllers, spent });
  for (const controller of controllers) {
    const isAsBefore = before !== undefined && differences?.get(controller)?.frame === undefined;
    if (tables.has(controller) && isAsBefore) continue;
    const frame = parseTableFrame(after.at(controller).frame);
    if (!frame.ok) return fail({ controller, detail: frame.fault });
  }
  // Makes the keys that they need to hear of their tables: what comes from those without one is not
  // listened to. A change that is refused makes none.
  for (const controller of controllers) keys.keysFor(controller);
  // After a start nobody knows what the tables said: of all of them, only this can tell.
  const now = before === undefined ? fingerprints.ofAll(after, controllers) : undefined;
  const planned: PlannedTable[] = [];
  for (const controller of controllers) {
    const known = tables.get(controller);
    const difference = differences?.get(controller);
    const fingerprint = now?.get(controller);
    if (known === undefined) planned.push(firstTable(to, controller, fingerprint));
    else if (fingerprint !== undefined) {
      planned.push(tableAfterStart(to, controller, { known, fingerprint }));
    } else if (difference === undefined) planned.push({ controller, mark: known.mark });
    else planned.push(nextTable(to, { controller, known, difference }));
  }
  return succeed(planned);
}

function firstTable(
  { after, fingerprints, now }: TablesToPlan,
  controller: ControllerId,
  fingerprint = fingerprints.of(after.at(controller)),
): PlannedTable {
  // Nobody knows which numbers were used before, if any: seconds since 1970 are beyond all of them.
  const mark = markOf({ epoch: Math.floor(now / 1_000), version: 1 });
  return reached({ controller, table: { mark, compiledAt: now, fingerprint }, deltas: [] });
}

function tableAfterStart(
  { now }: TablesToPlan,
  controller: ControllerId,
  { known, fingerprint }: { readonly known: ShelvedTable; readonly fingerprint: TableFingerprint },
): PlannedTable {
  if (fingerprint === known.fingerprint) return { controller, mark: known.mark };
  // What it was before is not known any more, and neither is what would lead from there.
  const mark = versionAfter(known.mark);
  return reached({ controller, table: { mark, compiledAt: now, fingerprint }, deltas: [] });
}

function nextTable(
  { keys, after, fingerprints, now }: TablesToPlan,
  {
    controller,
    known,
    difference,
  }: {
    readonly controller: ControllerId;
    readonly known: ShelvedTable;
    readonly difference: TableDifference;
  },
): PlannedTable {
  const from = known.mark;
  const fingerprint = fingerprints.after(known.fingerprint, difference);
  const imageBytes = () => imageBytesOf(after.at(controller));
  const step = { from, compiledAt: now, difference, imageBytes };
  const { deltas, isWhole } = sealDifference(sealerOf(keys, controller), step);
  const last = deltas.at(-1)?.to ?? from;
  const mark = isWhole ? last : versionAfter(last);
  const left = difference.passes.flatMap(({ before, after }) => {
    return before !== undefined && after === undefined ? [before.id] : [];
  });
  return {
    ...reached({ controller, table: { mark, compiledAt: now, fingerprint }, deltas }),
    left,
  };
}

const reached = (step: ShelfStep): PlannedTable => ({
  controller: step.controller,
  mark: step.table.mark,
  step,
});

/** Roughly: people make up most of it. */
function imageBytesOf(view: ControllerView): number {
  let passCount = 0;
  for (const _pass of view.passes()) passCount += 1;
  return passCount * imageBytesPerPass;
}

export const versionAfter = ({ epoch, version }: TableVersion): TableMark =>
  markOf({ epoch, version: version + 1 });

/** Drawn anew: a site that was restored from a copy gives a number to another table. */
export function markOf({ epoch, version }: TableVersion): TableMark {
  return { epoch, version, tag: randomBytes(4).readUInt32LE(0) };
}
