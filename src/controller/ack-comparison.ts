import type { JournalEntry } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";
import { type ForkedAck, type StoredAck, shortHash } from "../protocols/sync/ack-message.ts";
import type { Journal } from "./journal.ts";

type ComparedJournal = Pick<Journal, "oldest" | "read">;

/**
 * Whether the site has the entries up to `number` as they are here: the chain's hash of the last speaks
 * for all. Undefined where the disk cannot tell. What is forgotten here cannot be compared, and is
 * believed; so is a site that tells no hash.
 */
export async function isOurs(
  journal: ComparedJournal,
  ack: StoredAck,
): Promise<boolean | undefined> {
  const { number, hash } = ack;
  if (hash === undefined || number < journal.oldest()) return true;
  const entry = await entryOf(journal, { journal: ack.journal, number });
  return entry && shortHash(entry.hash) === hash;
}

/**
 * Whether the site has all before `forkedAt` as it is here, and `forkedAt` itself otherwise: which an
 * old message may say of what a disk has brought back since, and only then is nothing lost by going on
 * from there. Where nothing older is left here, there is nothing before to be lost.
 */
export async function isForkedHere(journal: ComparedJournal, ack: ForkedAck): Promise<boolean> {
  const { forkedAt, previous, hash } = ack;
  const entry = await entryOf(journal, { journal: ack.journal, number: forkedAt });
  if (entry === undefined) return false;
  const isOther = hash !== undefined && shortHash(entry.hash) !== hash;
  if (previous === undefined || shortHash(entry.previous) === previous) return isOther;
  return forkedAt === journal.oldest() && (isOther || hash === undefined);
}

async function entryOf(
  journal: ComparedJournal,
  wanted: { readonly journal: string; readonly number: number },
): Promise<JournalEntry | undefined> {
  const { number } = wanted;
  try {
    const [entry] = await journal.read({ after: number - 1, limit: 1 });
    return entry?.journal === wanted.journal && entry.number === number ? entry : undefined;
  } catch (error) {
    // The site says it again when the entries go out again.
    if (error instanceof HalError) return undefined;
    throw error;
  }
}
