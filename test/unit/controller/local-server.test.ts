import { once } from "node:events";
import { type Duplex, duplexPair } from "node:stream";
import t from "tap";
import {
  createLocalServer,
  type LocalHandlers,
  localClientsMax,
} from "../../../src/controller/local-server.ts";
import type { JournalEntry } from "../../../src/domain/event.ts";
import { controllerId, doorId, passId, siteId, userId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import {
  encodeLocalRequest,
  type LocalQuestion,
  type LocalResponse,
  localRequestBytesMax,
  parseLocalResponse,
} from "../../../src/protocols/local/local-message.ts";
import type { LocalExplanation, LocalStatus } from "../../../src/protocols/local/local-reports.ts";
import { idleBench } from "../cli/local-daemon.ts";

const wall = { at: epochMs(1_795_000_000_000), quality: "trusted" } as const;
const status: LocalStatus = {
  controller: controllerId("demo"),
  site: siteId("demo"),
  software: "0.1.0",
  startedAt: wall.at,
  clock: wall,
  link: "up",
  table: null,
  journal: { newest: 0, acknowledged: 0 },
  doors: [],
  readers: [],
  alarms: [],
  troubles: [],
};
const explanation: LocalExplanation = {
  door: doorId("front"),
  wall,
  decision: { kind: "granted", pass: passId("card"), user: userId("ada") },
  ladder: [],
  next: { kind: "at", at: wall.at },
};

/** A journal in memory, that counts who listens and what was read. */
class MemoryJournal {
  readonly entries: JournalEntry[] = [];
  readonly listeners = new Set<() => void>();
  readonly limitsRead: number[] = [];
  /** Called when a read has seen what there is, and before its reader has. */
  whileReading: () => void = () => {};

  constructor(count: number) {
    for (let added = 0; added < count; added += 1) this.add();
  }

  add(): void {
    this.entries.push({
      controller: controllerId("demo"),
      journal: "one",
      number: this.entries.length + 1,
      previous: "0".repeat(64),
      hash: "1".repeat(64),
      event: { kind: "controller_started", software: "0.1.0" },
      wall,
    });
    for (const listener of this.listeners) listener();
  }

  async read({ after, limit }: { readonly after: number; readonly limit: number }) {
    this.limitsRead.push(limit);
    const found = this.entries.slice(after, after + limit);
    this.whileReading();
    return found;
  }

  highest(): number {
    return this.entries.length;
  }

  onCommitted(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

function createRig(options: { entryCount?: number; handlers?: Partial<LocalHandlers> } = {}) {
  const journal = new MemoryJournal(options.entryCount ?? 0);
  const failures: unknown[] = [];
  const handlers: LocalHandlers = {
    status: () => status,
    explain: () => ({ ok: true, value: explanation }),
    override: async () => ({
      ok: true,
      value: { posture: "locked", cause: "site", kept: true },
    }),
    forgive: () => ({ recorded: true }),
    ...idleBench,
    journal,
    ...options.handlers,
  };
  const server = createLocalServer({ handlers, onFailure: (error) => failures.push(error) });
  const connect = (): Duplex => {
    const [ours, theirs] = duplexPair();
    // As of a socket: when one side is gone the other learns of it.
    ours.on("close", () => theirs.destroy());
    theirs.on("close", () => ours.destroy());
    server.handleConnection(theirs);
    return ours;
  };
  return { journal, failures, server, connect };
}

/** The next `count` answers; fewer when the server ends the connection first. */
async function answers(client: Duplex, count: number): Promise<readonly LocalResponse[]> {
  const found: LocalResponse[] = [];
  let pending = "";
  for await (const chunk of client.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const lines = (pending + chunk.toString()).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      const response = parseLocalResponse(line);
      if (!response.ok) throw new Error(response.fault);
      found.push(response.value);
    }
    if (found.length >= count) break;
  }
  return found;
}

function request(question: LocalQuestion, id = 1): string {
  return encodeLocalRequest({ id, ...question });
}

function numbers(responses: readonly LocalResponse[]): readonly number[] {
  return responses.flatMap((response) =>
    response.kind === "item" ? [(response.item as JournalEntry).number] : [],
  );
}

function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

t.test("a technician gets status and explanations, several on one connection", async (t) => {
  const { connect } = createRig();
  const client = connect();
  client.write(request({ verb: "status", args: {} }, 5));
  client.write(request({ verb: "explain", args: { door: doorId("front"), pin: "1234" } }, 6));
  t.same(await answers(client, 2), [
    { id: 5, kind: "value", value: status },
    { id: 6, kind: "value", value: explanation },
  ]);
});

t.test("a client that ends its side after asking gets its answer, and then the end", async (t) => {
  const { connect } = createRig({ entryCount: 3 });
  const client = connect();
  client.end(request({ verb: "events", args: { follow: false } }));
  const all = await answers(client, Infinity);
  t.same(numbers(all), [1, 2, 3]);
  t.equal(all.at(-1)?.kind, "end");
});

t.test(
  "a wrong request is answered with its field, and the next one as if nothing was",
  async (t) => {
    const { connect, failures } = createRig();
    const client = connect();
    client.write('{"v":1,"id":3,"verb":"explain","args":{"door":"no door","pin":"1234"}}\n');
    client.write("\u0000\u0001 nonsense\n");
    client.write(request({ verb: "status", args: {} }, 4));
    const [refused, nonsense, answered] = await answers(client, 3);
    t.match(refused, { id: 3, kind: "error", error: { code: "bad_request", field: "args.door" } });
    t.match(nonsense, { id: null, kind: "error", error: { code: "bad_request" } });
    t.match(answered, { id: 4, kind: "value" });
    t.same(failures, []);
  },
);

t.test("a handler's refusal goes to the client, its failure to the log alone", async (t) => {
  const fault = { code: "bad_request", message: "m", field: "args.card.number" } as const;
  const secret = new Error("/var/lib/postern: a detail");
  const { connect, failures } = createRig({
    handlers: {
      explain: () => ({ ok: false, fault }),
      status: () => {
        throw secret;
      },
    },
  });
  const client = connect();
  client.write(request({ verb: "explain", args: { door: doorId("front"), pin: "1234" } }, 1));
  client.write(request({ verb: "status", args: {} }, 2));
  client.write(request({ verb: "events", args: { follow: false } }, 3));
  const [refused, failed, listed] = await answers(client, 3);
  t.same(refused, { id: 1, kind: "error", error: fault });
  t.match(failed, { id: 2, kind: "error", error: { code: "failed" } });
  t.notMatch(JSON.stringify(failed), /detail/);
  t.same(failures, [secret]);
  t.same(listed, { id: 3, kind: "end" }, "and the daemon goes on");
});

t.test("events are the newest hundred, or those asked for", async (t) => {
  const { connect } = createRig({ entryCount: 1_234 });
  const ask = async (args: { after?: number; limit?: number }) => {
    const client = connect();
    client.end(request({ verb: "events", args: { ...args, follow: false } }));
    const found = numbers(await answers(client, Infinity));
    return [found.length, found[0], found.at(-1)];
  };
  t.same(await ask({}), [100, 1_135, 1_234]);
  t.same(await ask({ limit: 5 }), [5, 1_230, 1_234]);
  t.same(await ask({ after: 10, limit: 5 }), [5, 11, 15]);
  t.same(await ask({ after: 10 }), [1_224, 11, 1_234]);
  t.same(await ask({ after: 1_234 }), [0, undefined, undefined]);
  t.same(await ask({ limit: 1_000_000 }), [1_234, 1, 1_234]);
});

t.test("a follower sees each entry once, in order, as it is journalled", async (t) => {
  const { connect, journal } = createRig({ entryCount: 20 });
  const client = connect();
  client.write(request({ verb: "events", args: { follow: true } }));
  t.same(numbers(await answers(client, 10)), [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  journal.add();
  t.same(numbers(await answers(client, 1)), [21]);
  for (let added = 0; added < 500; added += 1) journal.add();
  t.same(
    numbers(await answers(client, 500)),
    Array.from({ length: 500 }, (_, at) => at + 22),
  );
});

t.test("an entry that is journalled while a follower looks is not left for the next", async (t) => {
  const { connect, journal } = createRig({ entryCount: 1 });
  journal.whileReading = () => {
    if (journal.limitsRead.length === 2) journal.add();
  };
  const client = connect();
  client.write(request({ verb: "events", args: { follow: true } }));
  t.same(numbers(await answers(client, 2)), [1, 2]);
});

t.test("a follower from a given number on gets all since, not only the limit", async (t) => {
  const { connect, journal } = createRig({ entryCount: 20 });
  const client = connect();
  client.write(request({ verb: "events", args: { after: 18, limit: 1, follow: true } }));
  t.same(numbers(await answers(client, 2)), [19, 20]);
  journal.add();
  t.same(numbers(await answers(client, 1)), [21]);
});

t.test("a follower that leaves, in any way, is not served any longer", async (t) => {
  const leave: readonly ((client: Duplex) => void)[] = [
    (client) => client.destroy(),
    (client) => client.destroy(new Error("reset")),
    (client) => client.end(),
  ];
  for (const leaves of leave) {
    const { connect, journal, failures } = createRig({ entryCount: 1 });
    const client = connect();
    client.on("error", () => {});
    client.write(request({ verb: "events", args: { follow: true } }));
    await answers(client, 1);
    t.equal(journal.listeners.size, 1);
    leaves(client);
    await turns();
    t.equal(journal.listeners.size, 0);
    t.same(failures, []);
  }
});

t.test("what a slow client has not read stays in the journal", async (t) => {
  const { connect, journal } = createRig({ entryCount: 100_000 });
  const client = connect();
  client.write(request({ verb: "events", args: { after: 0, follow: false } }));
  await turns();
  await turns();
  t.ok(journal.limitsRead.length <= 2, "one batch read, not five hundred");
  t.ok(client.readableLength < 200_000, `${client.readableLength} bytes wait`);
  t.same(
    numbers(await answers(client, 1_000))
      .slice(0, 1_000)
      .at(-1),
    1_000,
    "and goes on when read",
  );
});

t.test("a line without end costs a bounded buffer and the connection", async (t) => {
  const { connect, failures } = createRig();
  const client = connect();
  client.on("error", () => {});
  const closed = once(client, "close");
  client.write("x".repeat(localRequestBytesMax + 1));
  t.match(await answers(client, 1), [{ id: null, kind: "error", error: { code: "too_long" } }]);
  client.destroy();
  await closed;
  t.same(failures, []);
});

t.test("requests sent far ahead of their answers end the connection", async (t) => {
  const { connect } = createRig();
  const client = connect();
  client.on("error", () => {});
  client.write(request({ verb: "events", args: { follow: true } }));
  client.write(request({ verb: "status", args: {} }).repeat(17));
  t.match(await answers(client, 1), [{ kind: "error", error: { code: "too_long" } }]);
});

t.test("one client too many is told so; when one leaves there is room again", async (t) => {
  const { connect } = createRig();
  const clients = Array.from({ length: localClientsMax }, connect);
  const refused = connect();
  refused.on("error", () => {});
  t.match(await answers(refused, 1), [{ kind: "error", error: { code: "busy" } }]);
  clients[0]?.destroy();
  await turns();
  const client = connect();
  client.write(request({ verb: "status", args: {} }));
  t.match(await answers(client, 1), [{ kind: "value" }]);
});

t.test("a daemon that stops ends its clients", async (t) => {
  const { connect, server } = createRig();
  const client = connect();
  client.resume();
  client.write(request({ verb: "events", args: { follow: true } }));
  await turns();
  const closed = once(client, "close");
  server.close();
  await closed;
  t.ok(client.destroyed);
});
