import * as v from "valibot";
import type { JournalEntry } from "../../domain/event.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import {
  type MessageRefusal,
  type MessageScope,
  openMessage,
  sealMessage,
} from "./authenticated-message.ts";
import { parseJournalEntry } from "./journal-entry-schema.ts";
import { parseContent } from "./parse-content.ts";
import { integer, numberMax } from "./schema-parts.ts";
import { encodeCbor } from "./strict-cbor.ts";

export const eventBatchEntriesMax = 200;
export const eventBatchBytesMax = 1_000_000;

/** What a controller tells of its journal in one message. */
export interface EventBatch {
  /** In number order, of one journal; 1 to `eventBatchEntriesMax` of them. */
  readonly entries: readonly JournalEntry[];
  /**
   * The lowest number that the journal still has. It only ever grows, so an old batch that is sent
   * again says something that is still true. Undefined from a controller that does not tell it.
   */
  readonly oldest: number | undefined;
}

/** `foreign`: the MAC holds, but an entry is another controller's, or of two journals. */
export interface EventRefusal {
  readonly reason: MessageRefusal["reason"] | "invalid_content" | "foreign";
  readonly detail: string;
}

/** As many of the first `entries` as fit one message: at least one, if there is one. */
export function takeEventBatch(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  // Leaves room for `oldest`, the heads around the entries, the format byte and the MAC.
  let bytesLeft = eventBatchBytesMax - 100;
  let count = 0;
  for (const entry of entries.slice(0, eventBatchEntriesMax)) {
    bytesLeft -= encodeCbor(entry).length;
    if (count > 0 && bytesLeft < 0) break;
    count += 1;
  }
  return entries.slice(0, count);
}

/** Without `oldest`, the entries as a controller sends them that does not tell it. */
export function sealEventBatch(
  scope: MessageScope,
  entries: readonly JournalEntry[],
  oldest?: number,
): Uint8Array {
  return sealMessage(scope, "event", oldest === undefined ? entries : { oldest, entries });
}

const batchSchema = v.strictObject({
  oldest: v.exactOptional(integer(1, numberMax)),
  entries: v.pipe(
    v.array(v.unknown()),
    v.minLength(1, "at least one entry"),
    v.maxLength(eventBatchEntriesMax, `at most ${eventBatchEntriesMax} entries`),
  ),
});

/**
 * Entries in a good batch are this controller's, of one journal and well formed. Whether they
 * follow what is stored is for `verifyChain`: an old batch that is sent again opens as well as it
 * did first.
 */
export function openEventBatch(
  scope: MessageScope,
  message: Uint8Array,
): Result<EventBatch, EventRefusal> {
  const opened = openMessage(scope, "event", { message, bytesMax: eventBatchBytesMax });
  if (!opened.ok) return opened;
  // The entries alone are what was sent before `oldest` was told.
  const body = Array.isArray(opened.value) ? { entries: opened.value } : opened.value;
  const batch = parseContent(batchSchema, body);
  if (!batch.ok) return batch;
  const entries: JournalEntry[] = [];
  for (const [index, raw] of batch.value.entries.entries()) {
    const entry = parseJournalEntry(raw);
    if (!entry.ok) {
      return fail({ reason: "invalid_content", detail: `entry ${index}: ${entry.fault}` });
    }
    const { controller, journal } = entry.value;
    if (controller !== scope.controller) {
      return fail({ reason: "foreign", detail: `entry ${index}: of controller ${controller}` });
    }
    if (journal !== (entries[0]?.journal ?? journal)) {
      return fail({ reason: "foreign", detail: `entry ${index}: of journal ${journal}` });
    }
    entries.push(entry.value);
  }
  return succeed({ entries, oldest: batch.value.oldest });
}
