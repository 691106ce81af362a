import { setTimeout as pause } from "node:timers/promises";
import t from "tap";
import { Seeded, seedFor } from "../../hal/sim/seeded.ts";
import { createMosquitto, mosquittoMissing } from "./brokers.ts";
import { ada, createStack, eventually, postern, type SiteEvent, stranger } from "./stack.ts";

const killCount = Number(process.env["POSTERN_KILLS"] ?? 12);
const seed = seedFor(process.env["SEED"]);
const pauseMaxMs = 400;

const skip = mosquittoMissing() ?? false;
t.test(`${killCount} times kill -9 of controller, site and broker`, { skip }, async (t) => {
  t.comment(`SEED=${seed} POSTERN_KILLS=${killCount}`);
  const random = new Seeded(seed);
  const broker = await createMosquitto();
  t.teardown(() => broker.remove());
  await broker.start();
  const stack = await createStack({ POSTERN_MQTT_URL: broker.url });
  t.teardown(() => stack.remove());
  await stack.start();

  let tapping = true;
  const tapper = (async () => {
    for (let count = 0; tapping; count += 1) {
      // The board is gone while its controller is: the next card is presented to the next one.
      await stack
        .post("/sim/readers/front/card", count % 2 === 0 ? ada : stranger)
        .catch(() => pause(20));
    }
  })();

  await eventually("people come and go before the first kill", async () => {
    const results = (await stack.events()).map((event) => event.result);
    return results.includes("granted") && results.includes("denied") ? true : undefined;
  });

  /** What the site said of a number when it first had it. */
  const firstSeen = new Map<number, string>();
  const look = async () => {
    for (const event of await stack.events("?limit=10000")) {
      const seen = firstSeen.get(event.number);
      if (seen === undefined) firstSeen.set(event.number, event.hash);
      else if (seen !== event.hash) t.fail(`number ${event.number} changed at the site`);
    }
  };

  const victims = ["controller", "site", "broker"] as const;
  for (let kill = 0; kill < killCount; kill += 1) {
    // Not a wait for something: the random moment is the test.
    await pause(random.next() * pauseMaxMs);
    const victim = random.pick(victims);
    if (victim === "broker") {
      await broker.kill();
      await broker.start();
    } else {
      await stack.kill(victim).catch(() => undefined);
    }
    if (kill % 10 === 0) await look().catch(() => undefined);
  }
  tapping = false;
  await tapper;

  // Of one moment: a door that is secured again, or a trouble that is over, is one entry more.
  const { own, events } = await eventually(
    "the site has all that the controller journalled",
    async () => {
      const { code, stdout } = await postern(["events", "--json", "--limit", "10000"], {
        env: stack.env,
      });
      if (code !== 0) return undefined;
      const own = JSON.parse(stdout) as { number: number; hash: string }[];
      const events = await stack.events("?limit=10000");
      return events.at(-1)?.number === own.at(-1)?.number ? { own, events } : undefined;
    },
  );
  await look();
  const numbered = (list: readonly Pick<SiteEvent, "number" | "hash">[]) =>
    list.map(({ number, hash }) => `${number} ${hash}`);
  t.same(numbered(events), numbered(own), "the site's record is the controller's");
  t.same(
    events.map((event) => event.number),
    events.map((_event, index) => index + 1),
    "no number missing, none twice",
  );
  t.equal(new Set(events.map((event) => event.journal)).size, 1, "one journal throughout");
});
