import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import type { Journal } from "../../../src/controller/journal.ts";
import { type JournalLimits, journalLimits } from "../../../src/controller/journal-limits.ts";
import type { JournalEntry, JournalRecord } from "../../../src/domain/event.ts";
import { controllerId, doorId, readerId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";

export const controller = controllerId("c1");
export const systemClock = createSystemClock({ quality: () => "trusted" });

/** A folder of the test's own, gone with it. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-unit-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Told apart by their count, so that order and loss can be seen. */
export function record(count: number): JournalRecord {
  return {
    event: {
      kind: "reader_misread",
      reader: readerId("front"),
      verdict: "parity",
      bitCount: 26,
      count,
    },
    wall: { at: epochMs(1_800_000_000_000 + count), quality: "trusted" },
    table: { epoch: 1, version: 7 },
    tableAgeMs: 1_000 + count,
  };
}

export const denial: JournalRecord = {
  ...record(0),
  event: {
    kind: "access_denied",
    door: doorId("front"),
    reader: readerId("front"),
    reason: "unknown_credential",
  },
};

export const alarm: JournalRecord = {
  ...record(0),
  event: { kind: "door_forced", door: doorId("front") },
};

export function countOf(entry: JournalEntry): number {
  return entry.event.kind === "reader_misread" ? entry.event.count : Number.NaN;
}

export function counts(entries: readonly JournalEntry[]): readonly number[] {
  return entries.map(countOf).filter((count) => !Number.isNaN(count));
}

export function limits(changed: Partial<JournalLimits>): JournalLimits {
  return { ...journalLimits, ...changed };
}

/** Resolves once entry `number` is durable. */
export function committed(journal: Journal, number: number): Promise<void> {
  if (journal.highest() >= number) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = journal.onCommitted((highest) => {
      if (highest < number) return;
      stop();
      resolve();
    });
  });
}

/** Every entry after `after`, whatever a single answer holds. */
export async function readAll(journal: Journal, after = 0): Promise<readonly JournalEntry[]> {
  const all: JournalEntry[] = [];
  for (;;) {
    const page = await journal.read({
      after: all.at(-1)?.number ?? after,
      limit: 1_000,
    });
    if (page.length === 0) return all;
    all.push(...page);
  }
}

/** Both included. */
export const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
