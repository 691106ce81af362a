import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import t from "tap";
import { Seeded, seedFor } from "../../hal/sim/seeded.ts";
import { createMosquitto, mosquittoMissing } from "./brokers.ts";
import { ada, createStack, eventually, postern, type Stack } from "./stack.ts";

const killCount = Number(process.env["POSTERN_KILLS"] ?? 12);
const seed = seedFor(process.env["SEED"]);
const pauseMaxMs = 2_000;

/** Variant k of the site: Ada's card is pass `ada-card-k` with number 40000 + k, and no other is. */
const numberOf = (variant: number): number => 40_000 + variant;

async function apply(stack: Stack, demo: string, variant: number): Promise<string | undefined> {
  const file = join(stack.stateDir, "variant.toml");
  const text = demo
    .replace('id = "ada-card"', `id = "ada-card-${variant}"`)
    .replace(`number = ${ada.number}`, `number = ${numberOf(variant)}`);
  await writeFile(file, text);
  const { code, stdout } = await postern(["site", "apply", file], { env: stack.env });
  return code === 0 ? /table (\d+\.\d+)/.exec(stdout)?.[1] : undefined;
}

/** Once the strike is secured; false where the board's process is gone. */
async function present(stack: Stack, variant: number): Promise<boolean> {
  const card = { ...ada, number: numberOf(variant) };
  const answer = await stack.post("/sim/readers/front/card", card).catch(() => undefined);
  return answer?.status === 200;
}

const skip = mosquittoMissing() ?? false;
t.test(`tables change while ${killCount} kill -9 hit all sides`, { skip }, async (t) => {
  t.comment(`SEED=${seed} POSTERN_KILLS=${killCount}`);
  const random = new Seeded(seed);
  const demo = await readFile("config/demo-site.toml", "utf8");
  const broker = await createMosquitto();
  t.teardown(() => broker.remove());
  await broker.start();
  const stack = await createStack({ POSTERN_MQTT_URL: broker.url });
  t.teardown(() => stack.remove());
  await stack.start();

  let variant = 1;
  let running = true;
  const tapper = (async () => {
    while (running) {
      // The new card, or one that was taken back some changes ago.
      await present(stack, Math.max(0, variant - random.between(0, 2)));
      await pause(5);
    }
  })();
  const applier = (async () => {
    while (running) {
      await apply(stack, demo, variant).catch(() => undefined);
      variant += 1;
      await pause(random.next() * 400);
    }
  })();
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
  }
  running = false;
  await Promise.all([tapper, applier]);

  variant += 1;
  const last = await eventually("the last change is taken", () => apply(stack, demo, variant));
  const granted = await eventually("the last card opens", async () => {
    await present(stack, variant);
    const events = await stack.events("?limit=10000");
    return events.some(({ pass }) => pass === `ada-card-${variant}`) ? events : undefined;
  });
  await present(stack, variant - 1);

  const passOfVersion = new Map<string, string>();
  for (const { result, pass, table_epoch: epoch, table_version: version } of granted) {
    if (result !== "granted" || pass === null) continue;
    const table = `${epoch}.${version}`;
    const known = passOfVersion.get(table) ?? pass;
    passOfVersion.set(table, pass);
    t.equal(pass, known, `table ${table} has one card of Ada's and no other`);
  }
  t.equal(passOfVersion.get(last), `ada-card-${variant}`, "by the table that the site named");
  t.same(
    granted.map(({ number }) => number),
    granted.map((_event, index) => index + 1),
    "no event missing, none twice",
  );
  const order = granted.flatMap(({ table_epoch: epoch, table_version: version }) =>
    epoch === null || version === null ? [] : [[epoch, version] as const],
  );
  const isBack = order.some(([epoch, version], index) => {
    const before = order[index - 1];
    if (before === undefined) return false;
    return epoch < before[0] || (epoch === before[0] && version < before[1]);
  });
  t.notOk(isBack, "no older table came back");
});
