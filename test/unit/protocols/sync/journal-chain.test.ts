import t from "tap";
import type { JournalEntry } from "../../../../src/domain/event.ts";
import { doorId } from "../../../../src/domain/ids.ts";
import {
  chainStart,
  hashEntry,
  verifyChain,
} from "../../../../src/protocols/sync/journal-chain.ts";
import { encodeCbor } from "../../../../src/protocols/sync/strict-cbor.ts";
import { entries } from "./samples.ts";

const start = { journal: "j1", number: 0, hash: chainStart };
const chain = entries({ count: 25 });

function faultOf(list: readonly JournalEntry[], anchor = start): string {
  const verified = verifyChain(list, anchor);
  return verified.ok ? "whole" : `${verified.fault.reason} at ${verified.fault.number}`;
}

function withEntry(index: number, part: Partial<JournalEntry>): readonly JournalEntry[] {
  return chain.map((entry, at) => (at === index ? { ...entry, ...part } : entry));
}

t.test(
  "a chain from the first entry on is whole, and so is one that goes on from another",
  async (t) => {
    const last = chain.at(-1);
    t.same(verifyChain(chain, start), {
      ok: true,
      value: { journal: "j1", number: 25, hash: last?.hash },
    });
    const tail = entries({ count: 3, after: last });
    t.equal(faultOf(tail, { journal: "j1", number: 25, hash: last?.hash ?? "" }), "whole");
  },
);

t.test("whatever is changed in an entry shows, even with its own hash made anew", async (t) => {
  const index = 4;
  const [entry] = chain.slice(index);
  if (entry === undefined) throw new Error("too short");
  const parts: readonly Partial<JournalEntry>[] = [
    { event: { kind: "door_secured", door: doorId("back") } },
    { wall: { ...entry.wall, quality: "unknown" } },
    { table: { epoch: 1, version: 8 } },
    { tableAgeMs: 501 },
    { previous: chainStart },
  ];
  for (const part of parts) {
    t.equal(faultOf(withEntry(index, part)), "altered at 5");
    const rehashed = { ...part, hash: hashEntry({ ...entry, ...part }) };
    t.match(faultOf(withEntry(index, rehashed)), /^altered at [56]$/);
  }
});

t.test("an entry taken out, put in twice or moved is a gap", async (t) => {
  t.equal(faultOf(chain.filter(({ number }) => number !== 7)), "gap at 8");
  t.equal(faultOf([...chain.slice(0, 7), ...chain.slice(6)]), "gap at 7");
  t.equal(faultOf(chain.toReversed()), "gap at 25");
});

t.test("entries of another journal do not continue this one", async (t) => {
  t.equal(faultOf(entries({ count: 2, journal: "j2" })), "foreign_journal at 1");
});

t.test("what is undefined is hashed as if it was not there", async (t) => {
  const [first] = chain;
  if (first === undefined) throw new Error("too short");
  const spelledOut = {
    ...first,
    table: undefined,
    tableAgeMs: undefined,
  } as unknown as JournalEntry;
  t.equal(hashEntry(spelledOut), first.hash);
});

t.test("the order in which an event's fields were written makes no difference", async (t) => {
  t.same(encodeCbor({ kind: "x", door: "y" }), encodeCbor({ door: "y", kind: "x" }));
});

t.test("the hash of a known entry never changes, or no stored journal would hold", async (t) => {
  t.equal(chain[0]?.hash, "22d1bf93aec5e90efe04216b62aae41812661ccae9898e7334b93d9688ff6187");
});
