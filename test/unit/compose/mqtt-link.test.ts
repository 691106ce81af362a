import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { Clock } from "../../../hal/clock.ts";
import { startEmbeddedBroker } from "../../../src/compose/embedded-broker.ts";
import { connectMqtt, filterMatches } from "../../../src/compose/mqtt-link.ts";
import { bytes, downs, systemClock, text, ups, Watched, watchedLink } from "./link-conditions.ts";

interface RunningBroker {
  readonly url: string;
  /** As a power cut. */
  stop(): Promise<void>;
  /** On the same port. */
  start(): Promise<void>;
}

async function embedded(t: Test): Promise<RunningBroker> {
  let broker = await startEmbeddedBroker({ host: "127.0.0.1", port: 0 });
  const { port, url } = broker;
  t.teardown(() => broker.close());
  return {
    url,
    stop: () => broker.close(),
    start: async () => {
      broker = await startEmbeddedBroker({ host: "127.0.0.1", port });
    },
  };
}

async function mosquitto(t: Test): Promise<RunningBroker> {
  const folder = mkdtempSync(join(tmpdir(), "postern-mosquitto-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const file = join(folder, "mosquitto.conf");
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
  let child: ReturnType<typeof spawn> | undefined;
  const stop = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  const start = async () => {
    const broker = spawn("mosquitto", ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    child = broker;
    let said = "";
    await new Promise<void>((resolve) => {
      broker.stderr.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (/mosquitto version .* running/.test(said)) resolve();
      });
    });
  };
  t.teardown(stop);
  await start();
  return { url: `mqtt://127.0.0.1:${port}`, stop, start };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const noMosquitto =
  spawnSync("mosquitto", ["-h"]).error === undefined
    ? false
    : "mosquitto is not installed: apt-get install mosquitto";

const brokers = [
  { name: "the embedded broker", open: embedded, skip: false as const },
  { name: "mosquitto", open: mosquitto, skip: noMosquitto },
];

for (const { name, open, skip } of brokers) {
  t.test(`over ${name}`, { skip }, async (t) => {
    t.test("a message goes from link to link, whole and in order", async (t) => {
      const { url } = await open(t);
      const site = watchedLink(t, { url, clientId: "site" });
      const door = watchedLink(t, { url, clientId: "door" });
      const got = new Watched<string>();
      await site.link.subscribe("a/+/event", (topic, payload) => {
        got.tell(`${topic} ${text(payload)}`);
      });
      await site.happened.until(ups(1));
      await door.happened.until(ups(1));
      const sent = Array.from({ length: 100 }, (_, index) => `a/c1/event ${index}`);
      await Promise.all(
        sent.map((_, index) =>
          door.link.publish("a/c1/event", bytes(String(index)), { qos: 1, retain: false }),
        ),
      );
      await got.atLeast(100);
      t.same(got.seen, sent);
      const large = new Uint8Array(1_500_000).fill(7);
      await door.link.publish("a/c1/event", large, { qos: 1, retain: false });
      await got.atLeast(101);
      t.equal(got.seen[100]?.length, "a/c1/event ".length + large.length);
    });

    t.test("more at once than a broker is sent unanswered all come, in order", async (t) => {
      const broker = await open(t);
      const { link, happened } = watchedLink(t, { url: broker.url, clientId: "many" });
      const got = new Watched<string>();
      await link.subscribe("many", (_, payload) => got.tell(text(payload)));
      await happened.until(ups(1));
      const sent = Array.from({ length: 900 }, (_, number) => String(number));
      await Promise.all(
        sent.map((each) => link.publish("many", bytes(each), { qos: 1, retain: false })),
      );
      await got.atLeast(sent.length);
      t.same(got.seen, sent);
    });

    t.test("a retained message is there for who comes later", async (t) => {
      const { url } = await open(t);
      const site = watchedLink(t, { url, clientId: "site" });
      await site.happened.until(ups(1));
      await site.link.publish("table", bytes("seven"), { qos: 1, retain: true });
      const door = watchedLink(t, { url, clientId: "door" });
      const got = new Watched<string>();
      await door.link.subscribe("table", (_, payload) => got.tell(text(payload)));
      await got.atLeast(1);
      t.same(got.seen, ["seven"]);
    });

    t.test("a broker that goes away and comes back finds the subscriptions again", async (t) => {
      const broker = await open(t);
      const site = watchedLink(t, { url: broker.url, clientId: "site" });
      const door = watchedLink(t, { url: broker.url, clientId: "door" });
      const got = new Watched<string>();
      await door.link.subscribe("command", (_, payload) => got.tell(text(payload)));
      for (const round of [1, 2, 3]) {
        await site.happened.until(ups(round));
        await door.happened.until(ups(round));
        await site.link.publish("command", bytes(`round ${round}`), { qos: 1, retain: false });
        await got.atLeast(round);
        await broker.stop();
        await site.happened.until(downs(round));
        await door.happened.until(downs(round));
        await t.rejects(
          site.link.publish("command", bytes("lost"), { qos: 1, retain: false }),
          /not connected/,
          "a message with no broker is the caller's to keep",
        );
        await broker.start();
      }
      await door.happened.until(ups(4));
      t.same(got.seen, ["round 1", "round 2", "round 3"], "nothing is sent behind our back");
    });

    t.test("the will is published for who is cut off, not for who takes leave", async (t) => {
      const { url } = await open(t);
      const site = watchedLink(t, { url, clientId: "site" });
      const got = new Watched<string>();
      await site.link.subscribe("+/status", (topic, payload) => got.tell(topic + text(payload)));
      await site.happened.until(ups(1));
      const will = (topic: string) => ({
        topic,
        payload: bytes(" offline"),
        qos: 1 as const,
        retain: true,
      });
      const polite = watchedLink(t, { url, clientId: "polite", will: will("polite/status") });
      await polite.happened.until(ups(1));
      await polite.link.close();
      // The broker cuts off the first of two with one name.
      const first = watchedLink(t, { url, clientId: "twin", will: will("twin/status") });
      await first.happened.until(ups(1));
      const second = watchedLink(t, { url, clientId: "twin" });
      await second.happened.until(ups(1));
      await got.atLeast(1);
      t.equal(got.seen[0], "twin/status offline");
    });

    t.test("a link that is closed says so to who still waits, and stays closed", async (t) => {
      const broker = await open(t);
      const { link, happened } = watchedLink(t, { url: broker.url, clientId: "door" });
      await happened.until(ups(1));
      await link.close();
      await link.close();
      t.same(happened.seen, ["up", "down"]);
      await t.rejects(link.publish("x", bytes("x"), { qos: 0, retain: false }), /not connected/);
    });
  });
}

/** A server of our own that misbehaves as told; counts the connections made to it. */
async function badBroker(
  t: Test,
  onSocket: (socket: Socket, count: number) => void,
): Promise<{ readonly url: string; readonly server: Server }> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    count += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket, count);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const connack = Buffer.of(0x20, 2, 0, 0);

/** The two bytes of the identifier of each SUBSCRIBE in `chunk`, whose packets are short. */
function subscribesIn(chunk: Buffer): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (let at = 0; at + 3 < chunk.length; at += 2 + (chunk[at + 1] ?? 0)) {
    if (chunk[at] === 0x82) found.push([chunk[at + 2] ?? 0, chunk[at + 3] ?? 0]);
  }
  return found;
}

t.test("a broker that talks nonsense is left and tried again; nothing breaks", async (t) => {
  const nonsense = [
    Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
    Buffer.of(0x20, 2, 0, 5),
    Buffer.of(0xf0, 0, 0xf0, 0),
    Buffer.concat([connack, Buffer.of(0x36, 3, 0, 1, 0x61)]),
    Buffer.concat([connack, connack]),
    Buffer.concat([connack, Buffer.of(0x30, 4, 0xff, 0xff, 0x61, 0x62)]),
    Buffer.of(0x30, 0xff, 0xff, 0xff, 0xff, 0x7f),
    // MQTT.js throws at these two, in nobody's call, and keeps the third for ever.
    Buffer.concat([connack, Buffer.of(0x32, 3, 0, 0, 0)]),
    Buffer.concat([connack, Buffer.of(0x34, 5, 0, 3, 0x61, 0x62, 0x2f)]),
    Buffer.concat([connack, Buffer.of(0x34, 5, 0, 1, 0x61, 0, 1)]),
  ];
  const { url } = await badBroker(t, (socket, count) => {
    socket.write(nonsense[(count - 1) % nonsense.length] ?? connack);
  });
  const { happened } = watchedLink(t, { url, clientId: "door" });
  const isLost = (what: string) => what.startsWith("lost");
  await happened.until((seen) => seen.filter(isLost).length >= nonsense.length);
  t.pass("each of them survived");
});

t.test("a broker that never takes the subscriptions is left, and tried again", async (t) => {
  const { url } = await badBroker(t, (socket) => socket.write(connack));
  const lost = new Watched<string>();
  const alarm: Clock["alarm"] = (at, due) => {
    const waitMs = at - systemClock.monotonic();
    // The deadline alone, without its twenty seconds.
    return systemClock.alarm(waitMs > 15_000 ? systemClock.monotonic() : at, due);
  };
  const link = connectMqtt({
    url,
    clientId: "door",
    clock: { ...systemClock, alarm },
    onLost: (why) => lost.tell(why),
  });
  t.teardown(() => link.close());
  link.onUp(() => t.fail("up"));
  await link.subscribe("command", () => undefined);
  await lost.until((seen) => seen.filter((why) => /subscriptions/.test(why)).length >= 2);
});

t.test("a link is up when the broker has all that was subscribed, however late", async (t) => {
  const order: string[] = [];
  const { url } = await badBroker(t, (socket) => {
    socket.write(connack);
    socket.on("data", (chunk: Buffer) => {
      for (const packet of subscribesIn(chunk)) {
        order.push("subscribed");
        // The acknowledgement comes later than everything that this turn of the loop does.
        setImmediate(() => socket.write(Buffer.of(0x90, 3, ...packet, 1)));
      }
    });
  });
  const { link, happened } = watchedLink(t, { url, clientId: "door" });
  link.onUp(() => order.push("up"));
  await link.subscribe("command", () => undefined);
  await happened.until(ups(1));
  t.same(order, ["subscribed", "up"]);
});

t.test("a packet that announces too much is refused by its head", async (t) => {
  const { url } = await badBroker(t, (socket) => {
    // A publish of 200,000,000 bytes, of which only the head ever comes.
    socket.write(Buffer.concat([connack, Buffer.of(0x30, 0x80, 0x84, 0xaf, 0x5f, 0, 1, 0x61)]));
  });
  const { happened } = watchedLink(t, { url, clientId: "door", packetBytesMax: 1_000 });
  await happened.until((seen) => seen.includes("lost: a packet that no broker may send us"));
  t.pass();
});

t.test(
  "messages that a lost connection left unanswered are given back to the caller",
  async (t) => {
    const { url } = await badBroker(t, (socket) => {
      socket.once("data", () => {
        socket.write(connack);
        socket.once("data", () => socket.end());
      });
    });
    const { link, happened } = watchedLink(t, { url, clientId: "door" });
    await happened.until(ups(1));
    const answers = await Promise.allSettled(
      Array.from({ length: 10_501 }, () =>
        link.publish("x", bytes("x"), { qos: 1, retain: false }),
      ),
    );
    t.ok(answers.every(({ status }) => status === "rejected"));
    const [last] = answers.slice(-1);
    t.match(last, { reason: { kind: "disconnected", message: /10000 messages wait/ } });
  },
);

t.test("a link to nobody can be closed at any moment", async (t) => {
  const port = await freePort();
  const { link, happened } = watchedLink(t, { url: `mqtt://127.0.0.1:${port}`, clientId: "door" });
  await happened.atLeast(1);
  t.match(happened.seen[0], /lost: .*ECONNREFUSED/);
  await link.close();
  const silent = await badBroker(t, () => {});
  const other = connectMqtt({ url: silent.url, clientId: "door", clock: systemClock });
  await other.close();
});

t.test("who listens for the link when it is up already is told too", async (t) => {
  const broker = await embedded(t);
  const { link, happened } = watchedLink(t, { url: broker.url, clientId: "door" });
  await happened.until(ups(1));
  await new Promise<void>((resolve) => link.onUp(resolve));
});

t.test(
  "an address of no broker, or with credentials that cannot be decoded, makes no link",
  async (t) => {
    for (const url of ["", "http://x", "mqtt://x:0", "mqtt://%zz@x", "mqtt://%4:0@x"]) {
      t.throws(() => connectMqtt({ url, clientId: "c", clock: systemClock }), TypeError, url);
    }
  },
);

t.test("a filter matches topics as the standard says", async (t) => {
  for (const [filter, topic] of [
    ["a/b", "a/b"],
    ["a/+", "a/b"],
    ["+/+", "a/b"],
    ["a/#", "a/b/c"],
    ["a/#", "a"],
    ["#", "a/b"],
    ["a/+", "a/"],
  ] as const) {
    t.ok(filterMatches(filter, topic), `${filter} ${topic}`);
  }
  for (const [filter, topic] of [
    ["a/b", "a/bc"],
    ["a/+", "a"],
    ["a/+", "a/b/c"],
    ["a/b/#", "a/c"],
    ["+", "a/b"],
    ["a/b/c", "a/b"],
  ] as const) {
    t.notOk(filterMatches(filter, topic), `${filter} ${topic}`);
  }
});
