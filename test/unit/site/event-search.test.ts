import { join } from "node:path";
import Database from "better-sqlite3";
import t, { type Test } from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { controllerId } from "../../../src/domain/ids.ts";
import { type EventFilter, type EventQuery, matchesFilter } from "../../../src/site/event-query.ts";
import type { StoredEvent } from "../../../src/site/event-row.ts";
import { EventSearch } from "../../../src/site/event-search.ts";
import { openEventStore } from "../../../src/site/event-store.ts";
import { entries } from "../protocols/sync/samples.ts";
import { asOldEventStore } from "./old-event-store.ts";
import { one, temporaryFolder } from "./site-rig.ts";

const reasons = ["expired", "no_access", "wrong_pin"] as const;
const startsAt = Date.UTC(2026, 0, 1);

/**
 * Decisions and door alarms of three controllers. One of them is offline now and then and brings its
 * events late, one does not know the time.
 */
function drawEvents(random: Seeded, count: number): readonly Omit<StoredEvent, "position">[] {
  return Array.from({ length: count }, (_, at) => {
    const kind = random.pick(["access_granted", "access_denied", "access_granted", "door_forced"]);
    const controller = random.pick(["controller0", "controller0", "controller1", "controller2"]);
    const isDecision = kind !== "door_forced";
    const isKnown = isDecision && random.chance(0.9);
    // Now and then what an island kept to itself for a while.
    const late = at % 5_000 > 4_600 ? random.between(2_000, 3_000) : random.between(0, 100);
    const minute = Math.floor((at - late) / 3);
    const isClockless = controller === "controller2";
    return {
      controller,
      journal: "j1",
      number: at + 1,
      at: isClockless ? at : startsAt + minute * 60_000,
      clockQuality: isClockless ? "unknown" : "trusted",
      kind,
      // The last door is seen once in a while only.
      door: random.chance(0.01) ? "door5" : `door${random.between(0, 4)}`,
      reader: isDecision ? `reader${random.between(0, 8)}` : null,
      user: isKnown ? `user${random.between(0, 39)}` : null,
      pass: isKnown ? `pass${random.between(0, 79)}` : null,
      result: !isDecision ? null : kind === "access_granted" ? "granted" : "denied",
      reason: kind === "access_denied" ? random.pick(reasons) : null,
      tableEpoch: 1,
      tableVersion: 1,
      tableAgeMs: 1,
      event: "{}",
      previous: "",
      hash: "",
    };
  });
}

/** Straight into the file: what is looked for here needs no journal behind it. */
function storeRows(t: Test, rows: readonly Omit<StoredEvent, "position">[]) {
  const file = join(temporaryFolder(t), "events.sqlite3");
  openEventStore(file).close();
  const database = new Database(file);
  t.teardown(() => database.close());
  const columns = Object.keys(rows[0] ?? {});
  const insert = database.prepare(
    `INSERT INTO events (${columns.join(", ")}) VALUES (${columns.map((name) => `@${name}`).join(", ")})`,
  );
  database.transaction(() => {
    for (const row of rows) insert.run(row);
  })();
  const all = rows.map((row, at): StoredEvent => ({ position: at + 1, ...row }));
  return { database, file, all };
}

function drawFilter(random: Seeded, rows: readonly StoredEvent[]): EventFilter {
  // Where blocks begin and end is where a time may be missed.
  const near = random.between(0, rows.length / 1_024) * 1_024 + random.between(-3, 2);
  const at = random.chance(0.5) ? near : random.between(0, rows.length - 1);
  const from = (rows[at]?.at ?? startsAt) + random.pick([0, 0, 1, 30_000]);
  const all: EventFilter = {
    door: random.pick(["door0", "door1", "door5", "nowhere"]),
    user: `user${random.between(0, 40)}`,
    pass: `pass${random.between(0, 80)}`,
    controller: random.pick(["controller0", "controller1", "controller2"]),
    reader: `reader${random.between(0, 9)}`,
    kind: random.pick(["access_granted", "access_denied", "door_forced"]),
    result: random.pick(["granted", "denied"]),
    reason: random.pick([...reasons, "granted"]),
    from,
    to: from + random.pick([1, 60_000, 6_000_000, 60_000_000]),
  };
  const isTimed = random.chance(0.6);
  const chosen = Object.entries(all).filter(([name]) => {
    return name === "from" || name === "to" ? isTimed && random.chance(0.8) : random.chance(0.15);
  });
  return Object.fromEntries(chosen);
}

const positionsOf = (events: readonly StoredEvent[]): string =>
  events.map(({ position }) => position).join(" ");

/** Page by page, as a client would: what each page says is where the next one begins. */
function readAll(
  search: EventSearch,
  query: EventQuery,
): { readonly events: readonly StoredEvent[]; readonly pageCount: number } {
  const isForward = query.after !== undefined;
  let page = search.page(query);
  let events = page.events;
  let pageCount = 1;
  while (page.more) {
    const before = page.through;
    page = search.page({
      ...query,
      ...(isForward ? { after: page.through } : { before: page.through }),
    });
    if (isForward ? page.through <= before : page.through >= before) throw new Error("no progress");
    events = isForward ? [...events, ...page.events] : [...page.events, ...events];
    pageCount += 1;
  }
  return { events, pageCount };
}

t.test("whatever is asked for, page by page and both ways, is all that there is", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  const { database, all } = storeRows(t, drawEvents(random, 20_000));
  for (let round = 0; round < 150; round += 1) {
    const filter = drawFilter(random, all);
    const limit = random.pick([7, 100, 5_000]);
    // Small, so that pages also end because they looked at enough.
    const search = new EventSearch(database, random.pick([200, 1_000, 5_000]));
    const edge = random.between(0, all.length + 10);
    const where = random.pick<Pick<EventQuery, "after" | "before">>([
      {},
      { after: edge },
      { before: edge },
      { after: random.between(0, edge), before: edge },
    ]);
    const query: EventQuery = { ...filter, limit, ...where };
    const { events } = readAll(search, query);
    const expected = all.filter(
      (event) =>
        matchesFilter(filter, event) &&
        event.position > (query.after ?? 0) &&
        event.position < (query.before ?? Number.POSITIVE_INFINITY),
    );
    t.equal(positionsOf(events), positionsOf(expected), JSON.stringify(query));
  }
});

t.test("a page that looked at enough comes early, and says where to go on", async (t) => {
  const rows = drawEvents(new Seeded(1), 3_000);
  const { database, all } = storeRows(t, rows);
  const search = new EventSearch(database, 100);
  const never = search.page({
    door: "door0",
    controller: "controller0",
    user: "user1",
    pass: "pass1",
    limit: 5,
  });
  t.equal(never.events.length <= 5, true);
  const page = search.page({ door: "door0", kind: "access_denied", limit: 5, after: 0 });
  t.same(
    page.events,
    all.filter(({ door, kind }) => door === "door0" && kind === "access_denied").slice(0, 5),
  );
  // Both are common, and never together.
  const apart = search.page({ kind: "door_forced", result: "granted", limit: 5, after: 0 });
  t.match(apart, { events: [], more: true });
  t.ok(apart.through > 0 && apart.through < 1_000, `through ${apart.through}`);
});

t.test("the rarest of what is asked for leads to it", async (t) => {
  const { database, all } = storeRows(t, drawEvents(new Seeded(2), 4_000));
  const search = new EventSearch(database, 60);
  const query = { door: "door5", kind: "access_granted", controller: "controller0" };
  const { events, pageCount } = readAll(search, { ...query, limit: 100, after: 0 });
  t.same(
    events,
    all.filter((event) => matchesFilter(query, event)),
  );
  t.equal(pageCount, 1, "the door has few events, of whatever kind");
});

/** Each block of positions at a time of its own, and one event of it at another. */
function blocksAt(count: number, timesOf: (block: number) => readonly [number, number]) {
  return drawEvents(new Seeded(3), count * 1_024).map((row, at) => {
    const [usual, other] = timesOf(Math.floor((at + 1) / 1_024));
    return { ...row, clockQuality: "trusted", at: at % 1_024 === 500 ? other : usual };
  });
}

t.test("a time is found among years of others without reading them", async (t) => {
  // As they came, but for one block of an island that was found again long after.
  const rows = blocksAt(12, (block) => (block === 10 ? [3, 3] : [block, block]));
  const { database } = storeRows(t, rows);
  const search = new EventSearch(database, 100);
  for (const where of [{ after: 0 }, {}]) {
    const page = search.page({ from: 3, to: 4, limit: 2_100, ...where });
    t.equal(page.events.length, 2_048);
    t.same(new Set(page.events.map(({ at }) => at)), new Set([3]));
    t.equal(page.more, false, "in one page");
    const { events } = readAll(search, { from: 3, to: 4, limit: 1_500, ...where });
    t.equal(positionsOf(events), positionsOf(page.events));
  }
});

t.test("times that are everywhere and nowhere are looked for a page at a time", async (t) => {
  const rows = blocksAt(12, (block) => (block % 2 === 0 ? [1, 9] : [20, 20]));
  const { database } = storeRows(t, rows);
  const search = new EventSearch(database, 2_000);
  const page = search.page({ from: 5, to: 6, limit: 10, after: 0 });
  t.match(page, { events: [], more: true });
  t.ok(page.through < 6_000, `through ${page.through}`);
  t.same(readAll(search, { from: 5, to: 6, limit: 10, after: 0 }).events, []);
});

t.test("the pages at the end say how far they saw", async (t) => {
  const { database } = storeRows(t, drawEvents(new Seeded(4), 50));
  const search = new EventSearch(database);
  t.equal(search.newest(), 50);
  t.match(search.page({ after: 48, limit: 5 }), {
    events: { length: 2 },
    through: 50,
    more: false,
  });
  t.match(search.page({ after: 48, limit: 2 }), { through: 50, more: false });
  t.match(search.page({ after: 47, limit: 2 }), { through: 49, more: true });
  t.match(search.page({ after: 70, limit: 2 }), { events: [], through: 70, more: false });
  t.match(search.page({ before: 3, limit: 5 }), { events: { length: 2 }, more: false });
  t.match(search.page({ before: 1, limit: 5 }), { events: [], more: false });
  t.match(search.page({ door: "nowhere", after: 0, limit: 5 }), { through: 50, more: false });
});

for (const format of [1, 2, 3] as const) {
  t.test(`a store of format ${format} is asked as a new one is, and goes on`, async (t) => {
    const file = join(temporaryFolder(t), "events.sqlite3");
    const chain = entries({ count: 40 });
    const store = openEventStore(file);
    t.equal(store.intake(chain.slice(0, 30)).ok, true);
    const expected = store.query({ limit: 99, result: "denied" });
    const at = store.query({ limit: 99 })[10]?.at ?? 0;
    const then = store.query({ limit: 99, from: at, to: at + 1 });
    store.close();
    asOldEventStore(file, format);
    const reopened = openEventStore(file);
    t.teardown(() => reopened.close());
    t.same(reopened.query({ limit: 99, result: "denied" }), expected);
    t.same(reopened.query({ limit: 99, from: at, to: at + 1 }), then);
    t.ok(expected.length > 0 && then.length > 0);
    const outcome = reopened.intake(chain.slice(20));
    t.match(outcome, { ok: true, value: { stored: { length: 10 } } });
    if (!outcome.ok) return;
    t.same(outcome.value.stored, reopened.query({ after: 30, limit: 99 }));
    t.equal(reopened.intake(entries({ count: 5, of: controllerId("two") })).ok, true);
    t.equal(reopened.query({ controller: one, limit: 99 }).length, 40);
  });
}
