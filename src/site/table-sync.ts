import type { TableVersion } from "../domain/access.ts";
import type { ControllerId } from "../domain/ids.ts";
import type { TableMark } from "../domain/table-change.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { TableAck } from "../protocols/sync/table-ack-message.ts";
import { isNewer, isSameTable } from "../protocols/sync/table-order.ts";
import { numberTaken } from "../protocols/sync/table-refusal.ts";

/** Where one controller's table stands (behaviour 17). */
export interface TableSync {
  readonly controller: ControllerId;
  readonly wanted: TableMark;
  readonly state: "updating" | "complete" | "failed";
  /** Of `updating`, once the controller has told of it: how much of the table it has, 0 to 100. */
  readonly percent?: number;
  /** What the controller last said to be in force. */
  readonly inForce?: TableVersion;
  /** Of `failed`: the refusal's reason and detail. */
  readonly reason?: string;
  readonly detail?: string;
}

/** The site wants another table, of which nothing was heard yet. */
export function wanting(
  controller: ControllerId,
  wanted: TableMark,
  current: TableSync | undefined,
): TableSync {
  // The same table: what its controller said about it still holds.
  if (current !== undefined && isSameTable(current.wanted, wanted)) return current;
  const inForce = current?.inForce;
  return { controller, wanted, state: "updating", ...(inForce !== undefined && { inForce }) };
}

/**
 * The table that the controller has where no number of ours in this epoch replaces it for sure: it
 * is newer than the wanted one, or is not the one that the site gave its number to.
 */
export function outrunBy(ack: TableAck, wanted: TableMark): TableVersion | undefined {
  if (ack.outcome === "progress" || ack.table === undefined) return undefined;
  const { table } = ack;
  if (isNewer(table, wanted)) return table;
  if (table.epoch !== wanted.epoch || isSameTable(table, wanted)) return undefined;
  // An older one, from which the site's next does not follow, is as much of another descent.
  const isOther = ack.outcome === "refused" && ack.reason === numberTaken;
  return isOther || table.version === wanted.version ? table : undefined;
}

/**
 * Acknowledgements may come late, twice or from a replay: only what is said of the wanted table
 * counts.
 */
export function judge(current: TableSync, ack: TableAck): TableSync {
  const { controller, wanted } = current;
  const inForce = ack.table === undefined ? undefined : versionOf(ack.table);
  const known = inForce !== undefined && { inForce };
  switch (ack.outcome) {
    case "complete":
      return isSameTable(ack.table, wanted)
        ? { controller, wanted, state: "complete", ...known }
        : current;
    case "progress":
      // It may come after the word that all is there, and of what was wanted before it.
      return current.state === "complete" || !isTowards(ack.wanted, wanted)
        ? current
        : { controller, wanted, state: "updating", percent: ack.percent, ...known };
    case "refused": {
      // Whatever it refused, the table that the site wants is in force.
      if (ack.table !== undefined && isSameTable(ack.table, wanted)) {
        return { controller, wanted, state: "complete", ...known };
      }
      const { reason, detail } = ack;
      return { controller, wanted, state: "failed", ...known, reason, detail };
    }
    default:
      return unreachable(ack);
  }
}

/** Whether `step` is the wanted table, or one from which deltas may lead on to it. */
const isTowards = (step: TableVersion, wanted: TableVersion): boolean =>
  step.epoch === wanted.epoch && step.version <= wanted.version;

const versionOf = ({ epoch, version }: TableVersion): TableVersion => ({ epoch, version });
