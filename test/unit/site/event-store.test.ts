import { statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import t, { type Test } from "tap";
import type { JournalEntry } from "../../../src/domain/event.ts";
import { controllerId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { hashEntry } from "../../../src/protocols/sync/journal-chain.ts";
import { type EventStore, openEventStore } from "../../../src/site/event-store.ts";
import { entries } from "../protocols/sync/samples.ts";
import { one, temporaryFolder } from "./site-rig.ts";

function openStore(t: Test, file = join(temporaryFolder(t), "events.sqlite3")) {
  const store = openEventStore(file);
  t.teardown(() => store.close());
  return { store, file };
}

const numbersOf = (store: EventStore): readonly number[] =>
  store.query({ limit: 10_000 }).map(({ number }) => number);

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at + 1);

function outcomeOf(store: EventStore, batch: readonly JournalEntry[]): string {
  const outcome = store.intake(batch);
  return outcome.ok
    ? `stored ${outcome.value.stored.length}, up to ${outcome.value.number}`
    : `${outcome.fault.reason} at ${outcome.fault.number}, stored ${outcome.fault.stored}`;
}

t.test("entries that come twice, or overlap, are stored once and in order", async (t) => {
  const { store } = openStore(t);
  const chain = entries({ count: 10 });
  t.equal(outcomeOf(store, chain.slice(0, 4)), "stored 4, up to 4");
  t.equal(outcomeOf(store, chain.slice(0, 4)), "stored 0, up to 4");
  t.equal(outcomeOf(store, chain.slice(2, 8)), "stored 4, up to 8");
  t.equal(outcomeOf(store, chain.slice(0, 2)), "stored 0, up to 8");
  t.equal(outcomeOf(store, chain), "stored 2, up to 10");
  t.same(numbersOf(store), upTo(10));
});

t.test("a gap is refused whole, and what is stored stays", async (t) => {
  const { store } = openStore(t);
  const chain = entries({ count: 10 });
  t.equal(outcomeOf(store, chain.slice(1)), "gap at 2, stored 0");
  t.equal(outcomeOf(store, chain.slice(0, 3)), "stored 3, up to 3");
  t.equal(outcomeOf(store, chain.slice(4)), "gap at 5, stored 3");
  t.equal(outcomeOf(store, [...chain.slice(3, 5), ...chain.slice(7)]), "gap at 8, stored 3");
  t.same(numbersOf(store), upTo(3));
});

const remains = (oldest: number) => ({ oldest, at: epochMs(77) });

t.test(
  "what its controller no longer has is noted as lost, and what it has is taken",
  async (t) => {
    const { store, file } = openStore(t);
    const chain = entries({ count: 20 });
    store.intake(chain.slice(0, 3));
    const outcome = store.intake(chain.slice(5, 8), remains(6));
    t.match(outcome, {
      ok: true,
      value: { number: 8, stored: { length: 3 }, lost: { from: 4, to: 5 } },
    });
    const [trouble] = store.troublesOf(one);
    t.match(trouble, { kind: "journal_gap", detail: /entries 4 to 5 of journal j1/, lastAt: 77 });
    t.equal(outcomeOf(store, chain.slice(5, 10)), "stored 2, up to 10");
    t.same(numbersOf(store), [1, 2, 3, 6, 7, 8, 9, 10]);
    store.close();
    const reopened = openStore(t, file).store;
    t.match(reopened.troublesOf(one), [{ kind: "journal_gap", count: 1 }]);
    t.equal(outcomeOf(reopened, chain.slice(10)), "stored 10, up to 20");
  },
);

t.test("a site that has nothing of a journal takes it from the oldest that is left", async (t) => {
  const { store } = openStore(t);
  const chain = entries({ count: 9 });
  t.match(store.intake(chain.slice(4), remains(5)), {
    ok: true,
    value: { lost: { from: 1, to: 4 } },
  });
  t.same(numbersOf(store), [5, 6, 7, 8, 9]);
});

t.test("what the controller can still send is not given up as lost", async (t) => {
  const { store } = openStore(t);
  const chain = entries({ count: 9 });
  store.intake(chain.slice(0, 2), remains(1));
  for (const oldest of [1, 3, 4, 6, 9]) {
    const outcome = store.intake(chain.slice(4), remains(oldest));
    t.match(outcome, { ok: false, fault: { reason: "gap", stored: 2 } }, `oldest ${oldest}`);
  }
  // Nor where the batch has a gap of its own.
  const torn = store.intake([...chain.slice(4, 6), ...chain.slice(7)], remains(5));
  t.match(torn, { ok: false, fault: { reason: "gap", number: 8 } });
  t.same(store.troublesOf(one), []);
  t.same(numbersOf(store), [1, 2]);
});

t.test("what was given up as lost comes too late, and is no sign of tampering", async (t) => {
  const { store } = openStore(t);
  const chain = entries({ count: 9 });
  store.intake(chain.slice(0, 2));
  store.intake(chain.slice(4, 8), remains(5));
  t.equal(outcomeOf(store, chain.slice(1, 6)), "stored 0, up to 8");
  t.equal(outcomeOf(store, chain.slice(2, 4)), "stored 0, up to 8");
  t.equal(outcomeOf(store, chain), "stored 1, up to 9");
  t.same(numbersOf(store), [1, 2, 5, 6, 7, 8, 9]);
  const other = entries({ count: 9, startMs: 9_000 });
  t.equal(outcomeOf(store, other.slice(2, 6)), "altered at 5, stored 9");
});

t.test("a loss is on disk with what follows it, or neither is", async (t) => {
  const { store, file } = openStore(t);
  const disk = new Database(file);
  t.teardown(() => disk.close());
  disk.exec(`CREATE TRIGGER full BEFORE INSERT ON troubles
    BEGIN SELECT RAISE(ABORT, 'disk full'); END`);
  const late = entries({ count: 9 }).slice(4);
  t.throws(() => store.intake(late, remains(5)), /disk full/);
  t.same(numbersOf(store), []);
  disk.exec("DROP TRIGGER full");
  t.match(store.intake(late, remains(5)), { ok: true, value: { lost: { from: 1, to: 4 } } });
  t.match(store.troublesOf(one), [{ kind: "journal_gap", count: 1 }]);
});

t.test(
  "a journal that goes back and says something else is refused, never overwritten",
  async (t) => {
    const { store } = openStore(t);
    const chain = entries({ count: 6 });
    store.intake(chain);
    const rolledBack = entries({ count: 9, after: chain[2], startMs: 9_000 });
    t.equal(outcomeOf(store, rolledBack), "altered at 4, stored 6");
    t.equal(outcomeOf(store, entries({ count: 6, startMs: 9_000 })), "altered at 1, stored 6");
    // Beyond what is stored, so that only `previous` gives it away.
    t.equal(outcomeOf(store, rolledBack.slice(3)), "altered at 7, stored 6");
    t.same(
      store.query({ limit: 10 }).map(({ hash }) => hash),
      chain.map(({ hash }) => hash),
    );
  },
);

t.test("an entry already stored is not waved through with its hash and other words", async (t) => {
  const { store } = openStore(t);
  const [first, ...rest] = entries({ count: 3 });
  if (first === undefined) throw new Error("no entries");
  store.intake([first]);
  const changed = { ...first, wall: { ...first.wall, at: epochMs(5) } };
  t.equal(outcomeOf(store, [changed, ...rest]), "altered at 1, stored 1");
});

t.test("a controller whose storage was replaced begins a new journal beside the old", async (t) => {
  const { store } = openStore(t);
  store.intake(entries({ count: 3 }));
  const second = store.intake(entries({ count: 2, journal: "j2" }));
  const follows = { journal: "j1", number: 3 };
  t.match(second, { ok: true, value: { journal: "j2", number: 2, follows } });
  const again = store.intake(entries({ count: 2, journal: "j2" }));
  t.match(again, { ok: true, value: { follows: undefined } });
  t.same(numbersOf(store), [1, 2, 3, 1, 2]);
  t.same(store.lastOf(one), { journal: "j2", number: 2 });
  t.equal(outcomeOf(store, entries({ count: 4, journal: "j3" }).slice(2)), "gap at 3, stored 0");
});

t.test("the journals of two controllers do not meet, even under one name", async (t) => {
  const { store } = openStore(t);
  store.intake(entries({ count: 2 }));
  const two = store.intake(entries({ count: 2, of: controllerId("two") }));
  t.match(two, { ok: true, value: { stored: { length: 2 }, follows: undefined } });
});

t.test("what was stored is there after a restart, with hashes that still hold", async (t) => {
  const { store, file } = openStore(t);
  const chain = entries({ count: 22 });
  store.intake(chain);
  store.close();
  const reopened = openStore(t, file).store;
  for (const [index, row] of reopened.query({ limit: 100 }).entries()) {
    const entry = chain[index];
    t.equal(row.position, index + 1);
    t.ok(entry !== undefined && hashEntry({ ...entry, event: JSON.parse(row.event) }) === row.hash);
  }
  t.equal(outcomeOf(reopened, entries({ count: 1, after: chain.at(-1) })), "stored 1, up to 23");
});

t.test(
  "the store is for its owner alone, on disk before it answers, and never rewritten",
  async (t) => {
    const { store, file } = openStore(t);
    store.intake(entries({ count: 2 }));
    for (const each of [file, `${file}-wal`]) t.equal(statSync(each).mode & 0o077, 0, each);
    const other = new Database(file);
    t.teardown(() => other.close());
    t.equal(other.pragma("journal_mode", { simple: true }), "wal");
    t.throws(() => other.exec("UPDATE events SET reason = 'granted'"), /never changed/);
    t.throws(() => other.exec("DELETE FROM events"), /never deleted/);
  },
);

t.test("a store that a newer program made is left alone", async (t) => {
  const { store, file } = openStore(t);
  store.close();
  const other = new Database(file);
  other.pragma("user_version = 99");
  other.close();
  t.throws(() => openEventStore(file), /format 99/);
});

t.test("events are asked for by position, door, controller and result", async (t) => {
  const { store } = openStore(t);
  store.intake(entries({ count: 25 }));
  store.intake(entries({ count: 25, of: controllerId("two") }));
  const positions = (query: Parameters<EventStore["query"]>[0]) =>
    store.query(query).map(({ position }) => position);
  t.same(positions({ limit: 3 }), [48, 49, 50]);
  t.same(positions({ limit: 3, after: 10 }), [11, 12, 13]);
  t.same(positions({ limit: 3, after: 50 }), []);
  t.same(positions({ limit: 2, controller: "one" }), [24, 25]);
  const all = store.query({ limit: 50 });
  const granted = all.filter(({ kind }) => kind === "access_granted");
  t.same(store.query({ limit: 9, result: "granted" }), granted);
  const denied = all.filter(({ kind, controller }) => {
    return kind === "access_denied" && controller === "two";
  });
  t.same(store.query({ limit: 9, result: "denied", controller: "two" }), denied);
  t.ok(granted.length > 0 && denied.length > 0);
  t.same(positions({ limit: 9, door: "nowhere" }), []);
});

t.test("a trouble that keeps coming stays one line", async (t) => {
  const { store } = openStore(t);
  for (const at of [5, 6, 7]) {
    store.recordTrouble({
      controller: one,
      kind: "journal_gap",
      detail: `at ${at}`,
      at: epochMs(at),
    });
  }
  t.match(store.troublesOf(one), [
    { kind: "journal_gap", detail: "at 7", firstAt: 5, lastAt: 7, count: 3 },
  ]);
  t.equal(store.troublesOf(controllerId("two")).length, 0);
});
