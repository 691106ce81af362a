import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import t from "tap";
import { Seeded, seedFor } from "../../hal/sim/seeded.ts";
import { createMosquitto, mosquittoMissing } from "./brokers.ts";
import { ada, createStack, eventually, postern, type Stack } from "./stack.ts";

const seed = seedFor(process.env["SEED"]);
const base = "postern/1/demo/c/demo";
const tableTopics = ["head", "delta", "manifest", "chunk"].map((what) => `${base}/table/${what}`);
const acknowledgements = `${base}/event/ack`;

interface Message {
  readonly topic: string;
  readonly payload: Buffer;
}

/** Who owns the broker: sees every message, keeps it, and says whatever he likes. */
interface Eavesdropper {
  readonly client: MqttClient;
  readonly heard: readonly Message[];
  /** The last on a topic; waits for the first. */
  last(topic: string): Promise<Buffer>;
}

async function eavesdropper(url: string): Promise<Eavesdropper> {
  const client = await connectAsync(url);
  const heard: Message[] = [];
  client.on("message", (topic, payload) => heard.push({ topic, payload: Buffer.from(payload) }));
  await client.subscribeAsync("postern/#", { qos: 1 });
  const last = (topic: string) =>
    eventually(
      `something was said on ${topic}`,
      async () =>
        heard.findLast((message) => message.topic === topic && message.payload.length > 0)?.payload,
    );
  return { client, heard, last };
}

async function refusedAfter(stack: Stack, position: number): Promise<string> {
  const event = await eventually("the refusal is at the site", async () =>
    (await stack.events(`?after=${position}`)).find(({ kind }) => kind === "table_refused"),
  );
  return event.event.reason ?? "";
}

async function newestPosition(stack: Stack): Promise<number> {
  const [newest] = await stack.events("?limit=1");
  return newest?.position ?? 0;
}

interface Synced {
  readonly state: string;
  readonly wanted: { readonly epoch: number; readonly version: number };
}

async function synced(stack: Stack): Promise<Synced | undefined> {
  const { stdout } = await postern(["site", "tables", "--json"], { env: stack.env });
  return (JSON.parse(stdout) as { readonly sync?: Synced }[])[0]?.sync;
}

/** Applies the demo site, changed, and waits until the controller has it. */
async function apply(stack: Stack, change: (demo: string) => string): Promise<Synced> {
  const file = join(stack.stateDir, "changed.toml");
  const demo = await readFile("config/demo-site.toml", "utf8");
  // Nobody has three seconds to wait for the door after each of these cards.
  const quick = demo.replace('factors = "card_or_pin"', 'factors = "card_or_pin"\nunlock_ms = 500');
  await writeFile(file, change(quick));
  const { code, stderr } = await postern(["site", "apply", file], { env: stack.env });
  if (code !== 0) throw new Error(stderr);
  return eventually("the controller has the table", async () => {
    const sync = await synced(stack);
    return sync?.state === "complete" ? sync : undefined;
  });
}

const strikeAfter = async (stack: Stack, card: unknown): Promise<string | undefined> => {
  await eventually("the door is secured again", async () =>
    (await stack.board()).doors["front"]?.strike === "secured" ? true : undefined,
  );
  await stack.post("/sim/readers/front/card", card);
  return (await stack.board()).doors["front"]?.strike;
};

function shuffled<T>(random: Seeded, items: readonly T[]): readonly T[] {
  const drawn = items.map((item) => ({ item, at: random.next() }));
  return drawn.toSorted((a, b) => a.at - b.at).map(({ item }) => item);
}

const newCard = { ...ada, number: 34568 };

t.test("who owns the broker", { skip: mosquittoMissing() ?? false }, async (t) => {
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  const broker = await createMosquitto();
  t.teardown(() => broker.remove());
  await broker.start();
  const stack = await createStack({ POSTERN_MQTT_URL: broker.url });
  t.teardown(() => stack.remove());
  // Before the stack, so that the first table is overheard on its way.
  const spy = await eavesdropper(broker.url);
  t.teardown(() => spy.client.end(true));
  await stack.start();
  await spy.last(`${base}/table/chunk`);
  await apply(stack, (demo) => demo.replaceAll("34567", "34568"));
  await spy.last(`${base}/table/delta`);

  await t.test("reads no card's data, no PIN and no name in what makes a table", async (t) => {
    const text = Buffer.concat(
      spy.heard.filter(({ topic }) => topic.includes("/table/")).map(({ payload }) => payload),
    ).toString("latin1");
    for (const secret of ["Ada", "246810", "34567", "34568", "26:"]) {
      t.notOk(text.includes(secret), secret);
    }
  });

  await t.test("cannot alter a head, a delta or a manifest", async (t) => {
    for (const topic of [`${base}/table/head`, `${base}/table/delta`, `${base}/table/manifest`]) {
      const message = await spy.last(topic);
      const position = await newestPosition(stack);
      const altered = Buffer.from(message);
      const at = random.between(1, altered.length - 1);
      altered[at] = (altered[at] ?? 0) ^ (1 << random.between(0, 7));
      await spy.client.publishAsync(topic, altered, { qos: 1 });
      t.match(await refusedAfter(stack, position), /altered|malformed|unsigned|invalid/, topic);
    }
  });

  await t.test("cannot make one up, or send half of one", async (t) => {
    for (const bytes of [
      Buffer.from("open sesame"),
      (await spy.last(`${base}/table/delta`)).subarray(0, 90),
    ]) {
      const position = await newestPosition(stack);
      await spy.client.publishAsync(`${base}/table/delta`, bytes, { qos: 1 });
      t.match(await refusedAfter(stack, position), /malformed|altered|unsigned/);
    }
  });

  await t.test("cannot pass one kind of message for another", async (t) => {
    const head = await spy.last(`${base}/table/head`);
    for (const topic of tableTopics.slice(1)) {
      await spy.client.publishAsync(topic, head, { qos: 1 });
    }
    t.equal(await strikeAfter(stack, newCard), "released", "the table is what it was");
  });

  await t.test("brings nothing back by replaying all that was ever said", async (t) => {
    await apply(stack, (demo) => demo.replaceAll("34567", "34568").replaceAll("1111", "1112"));
    for (const { topic, payload } of shuffled(random, spy.heard)) {
      const retain = topic.endsWith("/head") || topic.endsWith("/status");
      await spy.client.publishAsync(topic, payload, { qos: 1, retain });
    }
    t.equal(await strikeAfter(stack, ada), "secured", "the old card stays out");
    t.equal(await strikeAfter(stack, newCard), "released", "the new one gets in");
    await stack.kill("controller");
    await eventually("the controller is back", async () =>
      (await strikeAfter(stack, newCard)) === "released" ? true : undefined,
    );
    t.equal(await strikeAfter(stack, ada), "secured", "after a restart too");
    await apply(stack, (demo) => demo.replaceAll("34567", "34569"));
    t.equal(await strikeAfter(stack, newCard), "secured");
    t.equal(await strikeAfter(stack, { ...ada, number: 34569 }), "released");
  });

  await t.test("cannot speak with a key that was handed over", async (t) => {
    const { code, stdout } = await postern(["site", "rotate-key"], { env: stack.env });
    t.equal(code, 0);
    t.match(stdout, /key number 1\b/);
    await apply(stack, (demo) => demo);
    t.equal(await strikeAfter(stack, ada), "released", "the new key's tables are in force");
    const before = spy.heard.slice();
    await apply(stack, (demo) => demo.replaceAll("34567", "34568"));
    for (const { topic, payload } of before) {
      await spy.client.publishAsync(topic, payload, { qos: 1, retain: topic.endsWith("/key") });
    }
    t.equal(await strikeAfter(stack, ada), "secured", "what was revoked stays out");
    t.equal(await strikeAfter(stack, newCard), "released");
  });

  await t.test("cannot keep a controller that lost its table from getting it whole", async (t) => {
    await rm(join(stack.stateDir, "table"), { recursive: true, force: true });
    await stack.kill("controller");
    await eventually("the door opens again", async () =>
      (await strikeAfter(stack, newCard)) === "released" ? true : undefined,
    );
    t.equal(await strikeAfter(stack, ada), "secured");
  });

  await t.test("cannot make the controller forget what the site never had", async (t) => {
    await stack.kill("site");
    await spy.client.publishAsync(acknowledgements, Buffer.from([1, 2, 3]), { qos: 1 });
    await stack.post("/sim/readers/front/card", { ...ada, number: 4 });
    const denied = await eventually("the denial is at the site in the end", async () =>
      (await stack.events()).findLast(({ reason }) => reason === "unknown_credential"),
    );
    t.equal(denied.door, "front");
  });
});
