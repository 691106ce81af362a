import type { JournalEntry } from "../domain/event.ts";
import { type EventAck, shortHash } from "../protocols/sync/ack-message.ts";
import {
  type ChainAnchor,
  type ChainFault,
  chainStart,
  hashEntry,
} from "../protocols/sync/journal-chain.ts";

/**
 * How much older than a batch is what is asked for, where the fork lies before it. Less than a
 * controller sends without an acknowledgement (2,000), or what it sends then might end before the fork.
 */
const entriesBackMax = 1_500;

/** What a batch was refused by. */
export interface RefusedBatch {
  readonly entries: readonly JournalEntry[];
  /** The last of its journal that is stored. */
  readonly stored: ChainAnchor;
  /** The lowest number that the controller still has, where it says so. */
  readonly oldest: number | undefined;
  /** Undefined for an entry that is not stored. */
  readonly storedHash: (number: number) => string | undefined;
}

/**
 * After a gap: where to go on. Where the batch says otherwise than what is stored, its disk took back
 * what was acknowledged, and other entries were given the same numbers: where that begins, or, if the
 * batch begins later, from where on it should be sent. Undefined where no answer helps: its entries
 * do not fit each other, which no disk does.
 */
export function answerToRefused(fault: ChainFault, batch: RefusedBatch): EventAck | undefined {
  const { entries, stored } = batch;
  const { journal } = stored;
  // 0 too: this may be a site that was restored from a copy.
  if (fault.reason === "gap") return storedAck(journal, stored.number, stored.hash);
  const at = entries.findIndex(({ number }) => number === fault.number);
  const entry = entries[at];
  if (fault.reason !== "altered" || entry === undefined) return undefined;
  const before = entries[at - 1];
  const isOfAPiece = hashEntry(entry) === entry.hash;
  if (!isOfAPiece || (before !== undefined && before.hash !== entry.previous)) return undefined;
  const { number } = entry;
  const previous = number === 1 ? chainStart : batch.storedHash(number - 1);
  const isFirstThatDiffers = before !== undefined || previous === entry.previous;
  if (!isFirstThatDiffers && number !== batch.oldest) {
    const from = Math.max(0, number - 1 - entriesBackMax);
    return storedAck(journal, from, batch.storedHash(from));
  }
  const hash = batch.storedHash(number);
  return {
    journal,
    forkedAt: number,
    ...(previous !== undefined && { previous: shortHash(previous) }),
    ...(hash !== undefined && { hash: shortHash(hash) }),
  };
}

/** `hash`: of entry `number`, where there is one. */
export function storedAck(journal: string, number: number, hash: string | undefined): EventAck {
  const isOfAnEntry = number > 0 && hash !== undefined;
  return { journal, number, ...(isOfAnEntry && { hash: shortHash(hash) }) };
}
