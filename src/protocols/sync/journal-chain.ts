import { createHash } from "node:crypto";
import type { JournalEntry } from "../../domain/event.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { encodeCbor } from "./strict-cbor.ts";

/** `previous` of entry 1. */
export const chainStart = "0".repeat(64);

/** The entry that the next one must follow; number 0 and `chainStart` before the first. */
export interface ChainAnchor {
  readonly journal: string;
  readonly number: number;
  readonly hash: string;
}

/** `number` is that of the first entry that does not fit. */
export interface ChainFault {
  readonly reason: "foreign_journal" | "gap" | "altered";
  readonly number: number;
}

/**
 * SHA-256 over the deterministic CBOR of everything in the entry but `hash`, as 64 hex digits. A
 * property that is undefined counts as absent; an unknown property of `event` counts.
 */
export function hashEntry(entry: Omit<JournalEntry, "hash">): string {
  const { controller, journal, number, previous, event, wall, table, tableAgeMs } = entry;
  const canonical = encodeCbor({
    format: "postern/1 journal entry",
    controller,
    journal,
    number,
    previous,
    event,
    wall: { at: wall.at, quality: wall.quality },
    table: table && { epoch: table.epoch, version: table.version },
    tableAgeMs,
  });
  return createHash("sha256").update(canonical).digest("hex");
}

/** Whether `entries` continue `anchor` one by one, each with the hash of what it says. */
export function verifyChain(
  entries: readonly JournalEntry[],
  anchor: ChainAnchor,
): Result<ChainAnchor, ChainFault> {
  let { number, hash } = anchor;
  for (const entry of entries) {
    if (entry.journal !== anchor.journal) {
      return fail({ reason: "foreign_journal", number: entry.number });
    }
    if (entry.number !== number + 1) return fail({ reason: "gap", number: entry.number });
    if (entry.previous !== hash || hashEntry(entry) !== entry.hash) {
      return fail({ reason: "altered", number: entry.number });
    }
    ({ number, hash } = entry);
  }
  return succeed({ journal: anchor.journal, number, hash });
}
