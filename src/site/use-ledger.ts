import type Database from "better-sqlite3";
import type { DoorEvent, JournalEntry } from "../domain/event.ts";
import type { ControllerId, DoorId, PassId } from "../domain/ids.ts";
import type { SpentUses } from "./spent-uses.ts";

/** What the tables of a site let its controllers spend, and where. */
export interface AllowedUses {
  readonly limits: readonly { readonly pass: PassId; readonly usesMax: number }[];
  readonly doors: readonly { readonly controller: ControllerId; readonly door: DoorId }[];
}

/** A use that no table of the site can have led to. */
export interface ImplausibleUse {
  readonly pass: PassId;
  readonly door: DoorId;
}

export interface NotedUses {
  /** Passes with a use count of which the controller has now spent more than was known. */
  readonly spent: ReadonlySet<PassId>;
  /** Not counted; each pass and door once. */
  readonly implausible: readonly ImplausibleUse[];
}

export interface UseLedger {
  /** Adds to what was ever allowed: events come late, from tables that were replaced meanwhile. */
  allow(uses: AllowedUses): void;
  /** Within the transaction that stores these entries, which are one controller's. */
  record(fresh: readonly JournalEntry[]): NotedUses;
  /** The highest use that each controller has told of a grant of this pass. */
  readonly spent: SpentUses;
}

/**
 * Follows from the events, in whose transactions it is written: asked of them, the uses of a pass
 * would be read anew for every table.
 */
export const usesTable = `
  CREATE TABLE uses (
    pass TEXT NOT NULL,
    controller TEXT NOT NULL,
    spent INTEGER NOT NULL,
    PRIMARY KEY (pass, controller)
  ) STRICT, WITHOUT ROWID;
`;

/** The highest count that each pass ever had, and every door that each controller ever had. */
export const allowedUsesTables = `
  CREATE TABLE useLimits (
    pass TEXT NOT NULL PRIMARY KEY,
    usesMax INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE useDoors (
    controller TEXT NOT NULL,
    door TEXT NOT NULL,
    PRIMARY KEY (controller, door)
  ) STRICT, WITHOUT ROWID;
`;

export function prepareUseLedger(database: Database.Database): UseLedger {
  const spent = database.prepare<[string], { controller: ControllerId; spent: number }>(
    "SELECT controller, spent FROM uses WHERE pass = ?",
  );
  return {
    allow: prepareAllow(database),
    record: prepareRecord(database),
    spent: (pass) => spent.all(pass),
  };
}

function prepareAllow(database: Database.Database): UseLedger["allow"] {
  const limit = database.prepare<[PassId, number]>(`
    INSERT INTO useLimits VALUES (?, ?)
    ON CONFLICT DO UPDATE SET usesMax = excluded.usesMax WHERE excluded.usesMax > usesMax`);
  const home = database.prepare<[ControllerId, DoorId]>(
    "INSERT INTO useDoors VALUES (?, ?) ON CONFLICT DO NOTHING",
  );
  const whole = database.transaction(({ limits, doors }: AllowedUses) => {
    for (const { pass, usesMax } of limits) limit.run(pass, usesMax);
    for (const { controller, door } of doors) home.run(controller, door);
  });
  return (uses) => void whole.immediate(uses);
}

function prepareRecord(database: Database.Database): UseLedger["record"] {
  // Never less: a controller whose storage was replaced counts anew until it has its table.
  const raise = database.prepare<[PassId, ControllerId, number]>(`
    INSERT INTO uses VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET spent = excluded.spent WHERE excluded.spent > spent`);
  const anyDoor = database.prepare("SELECT 1 FROM useDoors LIMIT 1");
  const isAllowed = database.prepare<[PassId, number, ControllerId, DoorId]>(`
    SELECT 1 FROM useLimits, useDoors
    WHERE pass = ? AND usesMax >= ? AND controller = ? AND door = ?`);
  return (fresh) => {
    // Of a site that has never said what it allows, nothing can be called too much.
    const isJudged = anyDoor.get() !== undefined;
    const spent = new Set<PassId>();
    const implausible = new Map<string, ImplausibleUse>();
    for (const { controller, event } of fresh) {
      if (event.kind !== "access_granted") continue;
      const { door } = event;
      for (const { pass, use } of usesOf(event)) {
        // A controller that lies must not use up, at every door, what it could never have spent.
        if (isJudged && isAllowed.get(pass, use, controller, door) === undefined) {
          implausible.set(`${pass} ${door}`, { pass, door });
        } else if (raise.run(pass, controller, use).changes > 0) spent.add(pass);
      }
    }
    return { spent, implausible: [...implausible.values()] };
  };
}

/** Of the card, and of the PIN after it. */
function usesOf({
  pass,
  use,
  pinUse,
}: Extract<DoorEvent, { readonly kind: "access_granted" }>): readonly {
  readonly pass: PassId;
  readonly use: number;
}[] {
  return [...(use === undefined ? [] : [{ pass, use }]), ...(pinUse === undefined ? [] : [pinUse])];
}
