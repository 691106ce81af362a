import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import t from "tap";
import { createMosquitto, mosquittoMissing } from "./brokers.ts";
import { ada, createStack, eventually, postern, type Stack } from "./stack.ts";

const table = "postern/1/demo/c/demo/table/snapshot";
const acknowledgements = "postern/1/demo/c/demo/event/ack";

/** What somebody sees and says who owns the broker. */
async function eavesdropper(url: string): Promise<{ client: MqttClient; seen: () => Buffer }> {
  const client = await connectAsync(url);
  let last: Buffer | undefined;
  client.on("message", (_topic, payload) => {
    last = payload;
  });
  await client.subscribeAsync(table);
  await eventually("the table is on the broker", async () => last);
  return {
    client,
    seen: () => {
      if (last === undefined) throw new Error("no table was seen");
      return last;
    },
  };
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

t.test("who owns the broker", { skip: mosquittoMissing() ?? false }, async (t) => {
  const broker = await createMosquitto();
  t.teardown(() => broker.remove());
  await broker.start();
  const stack = await createStack({ POSTERN_MQTT_URL: broker.url });
  t.teardown(() => stack.remove());
  await stack.start();
  const { client, seen } = await eavesdropper(broker.url);
  t.teardown(() => client.end(true));
  const first = Buffer.from(seen());

  await t.test("reads no card's data, no PIN and no name in a table", async (t) => {
    const text = first.toString("latin1");
    for (const secret of ["Ada", "246810", "34567", "26:"]) t.notOk(text.includes(secret), secret);
  });

  await t.test("cannot alter a table", async (t) => {
    for (const at of [1, Math.floor(first.length / 2), first.length - 1]) {
      const position = await newestPosition(stack);
      const altered = Buffer.from(first);
      altered[at] = (altered[at] ?? 0) ^ 1;
      await client.publishAsync(table, altered, { qos: 1 });
      t.match(await refusedAfter(stack, position), /altered|malformed|unsigned|wrong_|invalid/);
    }
  });

  await t.test("cannot make one up, or send half of one", async (t) => {
    for (const bytes of [Buffer.from("open sesame"), first.subarray(0, first.length / 2)]) {
      const position = await newestPosition(stack);
      await client.publishAsync(table, bytes, { qos: 1 });
      t.match(await refusedAfter(stack, position), /malformed|altered|unsigned/);
    }
  });

  await t.test("cannot bring back a table that was replaced", async (t) => {
    const demo = await readFile("config/demo-site.toml", "utf8");
    const changed = join(stack.stateDir, "changed.toml");
    await writeFile(changed, demo.replaceAll("34567", "34568"));
    t.equal((await postern(["site", "apply", changed], { env: stack.env })).code, 0);
    await eventually("the new table is out", async () => (seen().equals(first) ? undefined : true));
    await eventually("the new table is in force", async () =>
      (await stack.events()).filter(({ kind }) => kind === "table_applied").length === 2
        ? true
        : undefined,
    );
    const position = await newestPosition(stack);
    await client.publishAsync(table, first, { qos: 1, retain: true });
    t.equal(await refusedAfter(stack, position), "older");
    await stack.post("/sim/readers/front/card", ada);
    t.equal((await stack.board()).doors["front"]?.strike, "secured", "the old card stays out");
    await stack.post("/sim/readers/front/card", { ...ada, number: 34568 });
    t.equal((await stack.board()).doors["front"]?.strike, "released", "the new one gets in");
  });

  await t.test("cannot make the controller forget what the site never had", async (t) => {
    await stack.kill("site");
    await client.publishAsync(acknowledgements, Buffer.from([1, 2, 3]), { qos: 1 });
    await stack.post("/sim/readers/front/card", ada);
    const denied = await eventually("the denial is at the site in the end", async () =>
      (await stack.events()).find(({ reason }) => reason === "unknown_credential"),
    );
    t.equal(denied.door, "front");
  });
});
