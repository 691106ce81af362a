import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import t from "tap";
import type { JournalEntry } from "../../../src/domain/event.ts";
import { type EventAck, openEventAck, shortHash } from "../../../src/protocols/sync/ack-message.ts";
import { sealEventBatch } from "../../../src/protocols/sync/event-message.ts";
import { encodeStatus } from "../../../src/protocols/sync/status-message.ts";
import { openApiKey } from "../../../src/site/api-key.ts";
import { openStateFolder } from "../../../src/site/state-folder.ts";
import { entries, pairing } from "../protocols/sync/samples.ts";
import { one, type SiteRig, siteFile, startSite } from "./site-rig.ts";

function answersOf(rig: SiteRig): readonly (EventAck | undefined)[] {
  return rig.broker.payloadsOn(rig.topics.eventAck).map((payload) => {
    const ack = openEventAck(rig.scope, payload);
    return ack.ok ? ack.value : undefined;
  });
}

function acksOf(rig: SiteRig): readonly number[] {
  return answersOf(rig).flatMap((ack) =>
    ack !== undefined && "number" in ack ? [ack.number] : [],
  );
}

t.test("events are acknowledged up to what is stored, and only after it is", async (t) => {
  const rig = await startSite(t);
  const chain = entries({ count: 6 });
  const storedAtAck: number[] = [];
  const publish = rig.broker.publish.bind(rig.broker);
  rig.broker.publish = (topic, payload, options) => {
    if (topic === rig.topics.eventAck)
      storedAtAck.push(rig.service.events.query({ limit: 99 }).length);
    return publish(topic, payload, options);
  };
  const send = (from: number, to: number) =>
    rig.broker.deliver(rig.topics.event, sealEventBatch(rig.scope, chain.slice(from, to)));
  send(0, 2);
  send(0, 2);
  send(1, 4);
  send(5, 6);
  send(4, 6);
  t.same(acksOf(rig), [2, 2, 4, 4, 6], "a gap is answered with where to go on");
  t.same(storedAtAck, [2, 2, 4, 4, 6]);
  t.match(rig.service.controllers()[0]?.troubles, [{ kind: "events_missing", count: 1 }]);
});

t.test("events that cannot be stored are not acknowledged", async (t) => {
  const rig = await startSite(t);
  const disk = new Database(join(rig.folder, "site", "events.sqlite3"));
  t.teardown(() => disk.close());
  const batch = sealEventBatch(rig.scope, entries({ count: 3 }));
  // Fails at the second entry: the first must not stay behind alone.
  disk.exec(`CREATE TRIGGER full BEFORE INSERT ON events WHEN NEW.number = 2
    BEGIN SELECT RAISE(ABORT, 'disk full'); END`);
  rig.broker.deliver(rig.topics.event, batch);
  t.same(acksOf(rig), []);
  t.equal(rig.service.events.query({ limit: 9 }).length, 0);
  disk.exec("DROP TRIGGER full");
  rig.broker.deliver(rig.topics.event, batch);
  t.same(acksOf(rig), [3]);
});

t.test("events that a journal said otherwise before are not acknowledged", async (t) => {
  const rig = await startSite(t);
  rig.broker.deliver(rig.topics.event, sealEventBatch(rig.scope, entries({ count: 3 })));
  const other = entries({ count: 5, startMs: 9_000 });
  rig.broker.deliver(rig.topics.event, sealEventBatch(rig.scope, other));
  t.same(acksOf(rig), [3]);
  t.match(rig.service.controllers()[0]?.troubles, [{ kind: "journal_altered" }]);
});

t.test("a controller is told where its journal forked, and not at every replay", async (t) => {
  const rig = await startSite(t);
  const chain = entries({ count: 6 });
  const other = entries({ count: 9, after: chain[2], startMs: 9_000 });
  const send = (batch: readonly JournalEntry[]) =>
    rig.broker.deliver(rig.topics.event, sealEventBatch(rig.scope, batch));
  send(chain);
  for (let time = 0; time < 50; time += 1) send([...chain.slice(1, 3), ...other]);
  const hashOf = (entry: JournalEntry | undefined) => shortHash(entry?.hash ?? "");
  const forked = {
    journal: "j1",
    forkedAt: 4,
    previous: hashOf(chain[2]),
    hash: hashOf(chain[3]),
  };
  const stored = { journal: "j1", number: 6, hash: hashOf(chain[5]) };
  t.same(answersOf(rig), [stored, forked]);
  t.match(rig.service.controllers()[0]?.troubles, [{ kind: "journal_altered", count: 1 }]);
  rig.clock.advance(1_000);
  send(other);
  t.same(
    answersOf(rig),
    [stored, forked, forked],
    "by its first entry, which says what it follows",
  );
  const lines = rig.log.text.split("\n").filter((line) => line.includes("journal_altered"));
  t.equal(lines.length, 1, "51 of them are one line");
});

t.test("a batch that begins after the fork is answered with what is wanted first", async (t) => {
  const rig = await startSite(t);
  const chain = entries({ count: 6 });
  const other = entries({ count: 9, after: chain[2], startMs: 9_000 });
  const send = (batch: readonly JournalEntry[], oldest?: number) => {
    rig.clock.advance(1_000);
    rig.broker.deliver(rig.topics.event, sealEventBatch(rig.scope, batch, oldest));
    return answersOf(rig).at(-1);
  };
  send(chain);
  t.same(send(other.slice(1), 1), { journal: "j1", number: 0 });
  // Beyond what is stored, where only `previous` gives it away.
  t.same(send(other.slice(3), 2), { journal: "j1", number: 0 });
  t.match(send(other.slice(1), 5), { forkedAt: 5 }, "nothing older is left");
  t.match(send(other.slice(3), 7), { forkedAt: 7, hash: undefined });
  const countBefore = answersOf(rig).length;
  send(chain.slice(5).map((entry) => ({ ...entry, previous: "ab".repeat(32) })));
  t.equal(
    answersOf(rig).length,
    countBefore,
    "no disk makes an entry that is not as its hash says",
  );
});

t.test("a replaced journal is taken and noted", async (t) => {
  const rig = await startSite(t);
  for (const journal of ["j1", "j2"]) {
    const batch = sealEventBatch(rig.scope, entries({ count: 2, journal }));
    rig.broker.deliver(rig.topics.event, batch);
  }
  t.same(acksOf(rig), [2, 2]);
  t.match(rig.service.controllers()[0], {
    journal: { journal: "j2", number: 2 },
    troubles: [{ kind: "journal_replaced", detail: /journal j2 is .* j1, .* up to 2/ }],
  });
});

t.test("what anybody at the broker may publish stores nothing and makes no key", async (t) => {
  const rig = await startSite(t);
  const forged = sealEventBatch(pairing(99).scope, entries({ count: 2 }));
  for (const junk of [forged, new Uint8Array(), new Uint8Array(2_000_000)]) {
    const { event, tableAck, tableGet, status } = rig.topics;
    for (const topic of [event, tableAck, tableGet, status]) rig.broker.deliver(topic, junk);
    rig.broker.deliver("postern/1/test/c/stranger/event", junk);
    rig.broker.deliver("postern/1/test/c/%00/event", junk);
  }
  t.equal(rig.service.events.query({ limit: 9 }).length, 0);
  t.same(acksOf(rig), []);
  t.same(
    rig.service.controllers().map(({ controller }) => controller),
    ["one"],
  );
  t.same(rig.service.controllers()[0]?.troubles, []);
  t.same(readdirSync(join(rig.folder, "site", "controllers")), ["one.key"]);
});

t.test("a controller's status is passed on as its claim", async (t) => {
  const rig = await startSite(t);
  const said = { online: true, software: "x", clock: "trusted", troubles: [] } as const;
  rig.broker.deliver(rig.topics.status, encodeStatus(said));
  t.same(rig.service.controllers()[0]?.status, { said, heardAt: rig.now });
});

t.test("no log line and no public file holds a PIN, a key or a card", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  rig.service.apply(siteFile().replace('"246810"', '"13"'), "x.toml");
  const { controllerKey } = rig.service.provisionFor(one);
  const secrets = [
    "246810",
    "34567",
    openApiKey(openStateFolder(rig.folder)).text,
    Buffer.from(controllerKey).toString("base64url"),
  ];
  for (const secret of secrets) t.notOk(rig.log.text.includes(secret));
  for (const entry of readdirSync(rig.folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    t.equal(statSync(path).mode & 0o077, 0, path);
  }
});
