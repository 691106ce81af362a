import { join } from "node:path";
import t, { type Test } from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import type { JournalEntry } from "../../../src/domain/event.ts";
import type { EventFilter } from "../../../src/site/event-query.ts";
import { type EventStore, openEventStore } from "../../../src/site/event-store.ts";
import {
  EventStream,
  heartbeatMs,
  heartbeatsMissedMax,
  listenersMax,
} from "../../../src/site/event-stream.ts";
import { entries } from "../protocols/sync/samples.ts";
import { LogText, temporaryFolder } from "./site-rig.ts";

class StreamRig {
  readonly clock = new SimClock();
  readonly log = new LogText();
  readonly store: EventStore;
  readonly stream: EventStream;
  #last: JournalEntry | undefined;
  /** What the engine answers, and tells, arrives when this lets it. */
  delay: () => Promise<void> = async () => undefined;
  allowed = true;

  constructor(t: Test) {
    this.store = openEventStore(join(temporaryFolder(t), "events.sqlite3"));
    t.teardown(() => this.store.close());
    this.stream = new EventStream({
      engine: {
        events: async (query) => {
          await this.delay();
          const page = this.store.page(query);
          await this.delay();
          return page;
        },
      },
      clock: this.clock,
      log: this.log,
    });
  }

  /** So many events are stored, and whoever listens is told when `told` lets it. */
  async happen(count: number, told: () => Promise<void> = async () => undefined): Promise<void> {
    const chain = entries({ count, after: this.#last });
    this.#last = chain.at(-1);
    const outcome = this.store.intake(chain);
    if (!outcome.ok) throw new Error(outcome.fault.reason);
    await told();
    this.stream.publish(outcome.value.stored);
  }

  async listen(after?: number, filter: EventFilter = {}): Promise<Listening> {
    const where = after === undefined ? {} : { after };
    const isAllowed = async () => this.allowed;
    const response = await this.stream.listen({ filter, ...where, isAllowed });
    if (!(response instanceof Response) || response.body === null) throw new Error("no stream");
    return new Listening(response.body);
  }
}

/** A client, as slow as it is asked. */
class Listening {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  text = "";
  isOver = false;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  async takeOne(): Promise<void> {
    const { done, value } = await this.#reader.read();
    this.isOver = done;
    if (value !== undefined) this.text += new TextDecoder().decode(value);
  }

  /** Reads until it has this position, or the end. */
  async takeUntil(position: number): Promise<void> {
    while (!this.isOver && (this.positions.at(-1) ?? 0) < position) await this.takeOne();
  }

  get positions(): readonly number[] {
    return [...this.text.matchAll(/^id: (\d+)\ndata: /gm)].map(([, id]) => Number(id));
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

const upTo = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

const turns = async (count: number) => {
  for (let left = count; left > 0; left -= 1) await new Promise(setImmediate);
};

t.test("what was stored and what happens follow one another without a seam", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  for (let round = 0; round < 12; round += 1) {
    const rig = new StreamRig(t);
    rig.delay = () => turns(random.between(0, 3));
    await rig.happen(random.between(1, 300));
    const stored = rig.store.newest();
    const after = random.between(0, stored);
    const listening = await rig.listen(after);
    let told = Promise.resolve();
    for (let left = random.between(1, 12); left > 0; left -= 1) {
      const batch = random.between(1, 40);
      // As from another thread: late, and in order.
      const before = told;
      told = rig.happen(batch, async () => {
        await before;
        await turns(random.between(0, 2));
      });
      if (random.chance(0.5)) await turns(random.between(0, 3));
    }
    await told;
    await listening.takeUntil(rig.store.newest());
    t.same(listening.positions, upTo(after + 1, rig.store.newest()));
    await listening.leave();
    t.equal(rig.stream.listenerCount, 0);
    t.equal(rig.clock.alarmCount, 0);
  }
});

t.test("without a position it begins now, and a filter leaves the others out", async (t) => {
  const rig = new StreamRig(t);
  await rig.happen(50);
  const all = await rig.listen();
  const denied = await rig.listen(0, { kind: "access_denied" });
  await rig.happen(50);
  await all.takeUntil(100);
  t.same(all.positions, upTo(51, 100));
  const expected = rig.store.query({ kind: "access_denied", limit: 99 });
  await denied.takeUntil(expected.at(-1)?.position ?? 0);
  t.same(
    denied.positions,
    expected.map(({ position }) => position),
  );
  const [data = ""] = /^data: .*$/m.exec(all.text) ?? [];
  t.match(JSON.parse(data.slice(6)), { position: 51, journal: "j1" });
  rig.clock.advance(heartbeatMs);
  await denied.takeOne();
  t.match(denied.text, /: heartbeat\nid: 100\n\n$/, "from where to go on, though nothing matched");
  rig.stream.close();
});

t.test(
  "a slow reader costs no memory, misses nothing, and is cut when it takes nothing",
  async (t) => {
    const rig = new StreamRig(t);
    const slow = await rig.listen(0);
    const stuck = await rig.listen(0);
    for (let batch = 0; batch < 40; batch += 1) {
      await rig.happen(50);
      await turns(2);
    }
    for (let beat = 0; beat <= heartbeatsMissedMax; beat += 1) {
      t.equal(rig.stream.listenerCount, 2);
      await slow.takeOne();
      await slow.takeOne();
      await turns(5);
      rig.clock.advance(heartbeatMs);
    }
    t.equal(rig.stream.listenerCount, 1, "one was cut");
    await slow.takeUntil(2_000);
    t.same(slow.positions, upTo(1, 2_000));
    while (!stuck.isOver) await stuck.takeOne();
    const last = stuck.positions.at(-1) ?? 0;
    t.ok(last > 0 && last < 1_000, `cut at ${last}`);
    const back = await rig.listen(last);
    await back.takeUntil(2_000);
    t.same(
      [...stuck.positions, ...back.positions],
      upTo(1, 2_000),
      "and comes back to where it was",
    );
    rig.stream.close();
  },
);

t.test("so many may listen, and a heart beats only while somebody does", async (t) => {
  const rig = new StreamRig(t);
  t.equal(rig.clock.alarmCount, 0);
  const many: Listening[] = [];
  for (let count = 0; count < listenersMax; count += 1) many.push(await rig.listen());
  t.equal(rig.clock.alarmCount, 1);
  const options = { filter: {}, isAllowed: async () => true };
  t.equal(await rig.stream.listen(options), undefined);
  await many[0]?.leave();
  t.ok((await rig.stream.listen(options)) instanceof Response);
  rig.stream.close();
  t.equal(rig.clock.alarmCount, 0);
  t.equal(await rig.stream.listen(options), undefined);
});

t.test("a key that is taken away ends its stream", async (t) => {
  const rig = new StreamRig(t);
  const listening = await rig.listen();
  rig.clock.advance(heartbeatMs);
  await turns(2);
  t.equal(rig.stream.listenerCount, 1);
  rig.allowed = false;
  rig.clock.advance(heartbeatMs);
  await turns(2);
  t.equal(rig.stream.listenerCount, 0);
  while (!listening.isOver) await listening.takeOne();
});

t.test("a position that the site does not have yet is from before it was restored", async (t) => {
  const rig = new StreamRig(t);
  await rig.happen(5);
  const isAllowed = async () => true;
  t.equal(await rig.stream.listen({ filter: {}, after: 6, isAllowed }), "unknown_position");
  const listening = await rig.listen(5);
  await rig.happen(1);
  await listening.takeUntil(6);
  t.same(listening.positions, [6]);
  await listening.leave();
});

t.test("a reading that fails ends the stream, and a note is made of why", async (t) => {
  const rig = new StreamRig(t);
  await rig.happen(5);
  const listening = await rig.listen(5);
  await listening.takeOne();
  rig.delay = async () => Promise.reject(new Error("the disk failed"));
  // As if a batch was missed: what lies between must be read.
  await rig
    .happen(3, async () => {
      throw new Error("lost");
    })
    .catch(() => undefined);
  await rig.happen(1);
  while (!listening.isOver) await listening.takeOne();
  t.match(rig.log.text, /the disk failed/);
  t.equal(rig.stream.listenerCount, 0);
});
