import type Database from "better-sqlite3";
import { Seeded } from "../../../hal/sim/seeded.ts";
import type { EventRow } from "../../../src/site/event-row.ts";

export const startsAt = Date.UTC(2025, 0, 1);
export const msBetweenEvents = 6_000;

/** 400 doors of 200 controllers, some of them much busier than others; 20,000 users. */
export function drawName(random: Seeded, prefix: string, count: number): string {
  return `${prefix}${Math.floor(count * random.next() ** 3)}`;
}

const reasons = [
  "no_access",
  "outside_schedule",
  "expired",
  "unknown_credential",
  "wrong_pin",
] as const;

function drawEvent(random: Seeded, at: number): EventRow {
  const door = drawName(random, "door", 400);
  const kind = random.pick([
    "access_granted",
    "access_granted",
    "access_granted",
    "access_denied",
    "rex_admitted",
    "door_secured",
    random.chance(0.01) ? "door_forced" : "access_granted",
  ]);
  const isDecision = kind === "access_granted" || kind === "access_denied";
  const user = isDecision ? drawName(random, "user", 20_000) : null;
  const reason = kind === "access_denied" ? random.pick(reasons) : isDecision ? "granted" : null;
  return {
    controller: `controller${Math.floor(Number(door.slice(4)) / 2)}`,
    journal: "0b0e7c2a-93a4-4d0f-8f3c-1d6a3c5e7f90",
    number: at,
    at: startsAt + at * msBetweenEvents - (random.chance(0.02) ? random.between(0, 86_400_000) : 0),
    clockQuality: "trusted",
    kind,
    door,
    reader: isDecision ? `${door}-in` : null,
    user,
    pass: user === null ? null : `pass-of-${user}`,
    result: !isDecision ? null : kind === "access_granted" ? "granted" : "denied",
    reason,
    tableEpoch: 1,
    tableVersion: at,
    tableAgeMs: 60_000,
    event: JSON.stringify({ kind, door, user, reason, pass: `pass-of-${user}` }),
    previous: "0".repeat(64),
    hash: "f".repeat(64),
  };
}

/** Straight into the table: what is measured begins when they are there. */
export function fillEvents(database: Database.Database, count: number): void {
  const random = new Seeded(1);
  const columns = Object.keys(drawEvent(random, 0));
  const values = columns.map((column) => `@${column}`);
  const insert = database.prepare(
    `INSERT INTO events (${columns.join(", ")}) VALUES (${values.join(", ")})`,
  );
  database.pragma("synchronous = OFF");
  database.transaction(() => {
    for (let at = 1; at <= count; at += 1) insert.run(drawEvent(random, at));
  })();
}
