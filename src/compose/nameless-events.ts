import { askForItems } from "../cli/client.ts";
import { CommandFailed } from "../cli/terminal.ts";
import type { JournalEntry } from "../domain/event.ts";
import { parseJournalEntry } from "../protocols/sync/journal-entry-schema.ts";

/** Whose ids go out of a house only as numbers: a site may have named a pass after its card. */
const personal = new Set(["user", "pass"]);

/**
 * The newest entries of a running controller's journal, oldest first, with people and passes numbered in
 * the order in which they appear: what one of them did can be followed, and nobody is named. Instead, why
 * there are none.
 */
export async function namelessEvents(
  socketFile: string | undefined,
  limit: number,
): Promise<readonly unknown[] | { readonly refused: string }> {
  if (socketFile === undefined || limit === 0) return [];
  const numbers = new Map<string, string>();
  const numbered = (kind: string, id: string) => {
    const key = `${kind} ${id}`;
    const known = numbers.get(key) ?? `${kind}-${numbers.size + 1}`;
    numbers.set(key, known);
    return known;
  };
  const events: unknown[] = [];
  try {
    const items = askForItems(socketFile, { verb: "events", args: { limit, follow: false } });
    for await (const item of items) {
      const entry = parseJournalEntry(item);
      if (entry.ok) events.push(nameless(entry.value, numbered));
      // What nobody here understands may name somebody.
      else events.push({ unreadable: entry.fault });
    }
  } catch (error) {
    if (error instanceof CommandFailed) return { refused: error.message };
    throw error;
  }
  return events;
}

function nameless(
  { number, wall, table, event }: JournalEntry,
  numbered: (kind: string, id: string) => string,
): unknown {
  const told = JSON.parse(JSON.stringify(event), (key, value: unknown) =>
    personal.has(key) && typeof value === "string" ? numbered(key, value) : value,
  ) as unknown;
  return { number, wall, ...(table && { table }), event: told };
}
