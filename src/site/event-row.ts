import type { DoorEvent, JournalEntry } from "../domain/event.ts";

/**
 * A journal entry as columns. `event` is the whole event in JSON, so that `hash` can be proven
 * again.
 */
export interface EventRow {
  readonly controller: string;
  readonly journal: string;
  readonly number: number;
  readonly at: number;
  readonly clockQuality: string;
  readonly kind: string;
  readonly door: string | null;
  readonly reader: string | null;
  readonly user: string | null;
  readonly pass: string | null;
  readonly result: "granted" | "denied" | null;
  readonly reason: string | null;
  readonly tableEpoch: number | null;
  readonly tableVersion: number | null;
  readonly tableAgeMs: number | null;
  readonly event: string;
  readonly previous: string;
  readonly hash: string;
}

/** `position` counts from 1 in the order in which the site stored things. */
export interface StoredEvent extends EventRow {
  readonly position: number;
}

export function rowOfEntry(entry: JournalEntry): EventRow {
  const { event } = entry;
  return {
    controller: entry.controller,
    journal: entry.journal,
    number: entry.number,
    at: entry.wall.at,
    clockQuality: entry.wall.quality,
    kind: event.kind,
    door: "door" in event ? event.door : null,
    reader: "reader" in event ? (event.reader ?? null) : null,
    user: "user" in event ? (event.user ?? null) : null,
    pass: "pass" in event ? (event.pass ?? null) : null,
    result: resultOf(event),
    reason: "reason" in event ? event.reason : null,
    tableEpoch: entry.table?.epoch ?? null,
    tableVersion: entry.table?.version ?? null,
    tableAgeMs: entry.tableAgeMs ?? null,
    event: JSON.stringify(event),
    previous: entry.previous,
    hash: entry.hash,
  };
}

function resultOf(event: DoorEvent): EventRow["result"] {
  if (event.kind === "access_granted") return "granted";
  return event.kind === "access_denied" ? "denied" : null;
}
