import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Seeded } from "../../../hal/sim/seeded.ts";
import type { EventFilter } from "../../../src/site/event-query.ts";
import { type EventStore, openEventStore } from "../../../src/site/event-store.ts";
import { entries } from "../../unit/protocols/sync/samples.ts";
import { createOldEventStore } from "../../unit/site/old-event-store.ts";
import { drawName, fillEvents, msBetweenEvents, startsAt } from "./drawn-events.ts";

/** What one run tells, as JSON on its standard output. */
export interface MeasuredEvents {
  readonly upgradeMs: number;
  readonly fileBytes: number;
  readonly intakeUs: number;
  readonly pages: readonly {
    readonly filter: string;
    readonly msP50: number;
    readonly msP99: number;
  }[];
}

const pageLimit = 100;

const filters: Readonly<Record<string, (random: Seeded, count: number) => EventFilter>> = {
  nothing: () => ({}),
  door: (random) => ({ door: drawName(random, "door", 400) }),
  user: (random) => ({ user: drawName(random, "user", 20_000) }),
  pass: (random) => ({ pass: `pass-of-${drawName(random, "user", 20_000)}` }),
  controller: (random) => ({ controller: `controller${random.between(0, 199)}` }),
  reader: (random) => ({ reader: `${drawName(random, "door", 400)}-in` }),
  kind: (random) => ({ kind: random.pick(["access_granted", "door_forced", "rex_admitted"]) }),
  result: (random) => ({ result: random.pick(["granted", "denied"]) }),
  reason: (random) => ({ reason: random.pick(["expired", "wrong_pin", "granted", "lockdown"]) }),
  "an hour": hourOf,
  "door and an hour": (random, count) => ({
    door: drawName(random, "door", 400),
    ...hourOf(random, count),
  }),
  "door and reason": (random) => ({
    door: drawName(random, "door", 400),
    reason: random.pick(["expired", "wrong_pin", "lockdown"]),
  }),
  "user and door": (random) => ({
    user: drawName(random, "user", 20_000),
    door: drawName(random, "door", 400),
  }),
  "what never comes together": (random) => ({
    kind: "rex_admitted",
    reader: `${drawName(random, "door", 20)}-in`,
  }),
};

function hourOf(random: Seeded, count: number): EventFilter {
  const from = startsAt + random.between(0, count) * msBetweenEvents;
  return { from, to: from + 3_600_000 };
}

function measurePages(store: EventStore, count: number, rounds: number): MeasuredEvents["pages"] {
  return Object.entries(filters).map(([filter, draw]) => {
    const random = new Seeded(7, filter);
    const times = Array.from({ length: rounds }, () => {
      const where = random.pick<{ readonly after?: number }>([
        {},
        { after: 0 },
        { after: random.between(0, count) },
      ]);
      const query = { ...draw(random, count), ...where, limit: pageLimit };
      const began = performance.now();
      store.page(query);
      return performance.now() - began;
    }).toSorted((one, other) => one - other);
    const at = (part: number) => times[Math.floor((times.length - 1) * part)] ?? 0;
    return { filter, msP50: at(0.5), msP99: at(0.99) };
  });
}

function measureIntake(store: EventStore, count: number): number {
  const chain = entries({ count });
  const began = performance.now();
  for (let at = 0; at < chain.length; at += 100) store.intake(chain.slice(at, at + 100));
  return ((performance.now() - began) / count) * 1_000;
}

const count = Number(process.argv[2]);
const rounds = Number(process.argv[3]);
const folder = mkdtempSync(join(tmpdir(), "postern-events-"));
try {
  const file = join(folder, "events.sqlite3");
  const old = createOldEventStore(file, 3);
  fillEvents(old, count);
  old.close();
  const began = performance.now();
  const store = openEventStore(file);
  const upgradeMs = performance.now() - began;
  const pages = measurePages(store, count, rounds);
  const measured: MeasuredEvents = {
    upgradeMs,
    pages,
    intakeUs: measureIntake(store, Math.min(count, 20_000)),
    fileBytes: statSync(file).size,
  };
  store.close();
  process.stdout.write(`${JSON.stringify(measured)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
