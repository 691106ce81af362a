import t, { type Test } from "tap";
import { createMosquitto, mosquittoMissing } from "./brokers.ts";
import {
  ada,
  adaPin,
  bob,
  cleo,
  createStack,
  eventually,
  type SiteEvent,
  type Stack,
  stranger,
} from "./stack.ts";

/** The newest access decision at the site after `position`, once there is one. */
function decisionAfter(stack: Stack, position: number): Promise<SiteEvent> {
  return eventually("the site has the decision", async () => {
    const events = await stack.events(`?after=${position}`);
    return events.find((event) => event.result !== null);
  });
}

async function newestPosition(stack: Stack): Promise<number> {
  const [newest] = await stack.events("?limit=1");
  return newest?.position ?? 0;
}

function secured(stack: Stack, door: string): Promise<true> {
  return eventually(`${door} is secured`, async () =>
    (await stack.board()).doors[door]?.strike === "secured" ? true : undefined,
  );
}

async function doorsDecide(t: Test, stack: Stack): Promise<void> {
  const present = async (path: string, body: unknown, answerCount = 1) => {
    await secured(stack, "front");
    await secured(stack, "lab");
    const position = await newestPosition(stack);
    for (let count = 0; count < answerCount; count += 1) {
      t.equal((await stack.post(path, body)).status, 200);
    }
    const { doors } = await stack.board();
    const event = await decisionAfter(stack, position);
    return { front: doors["front"]?.strike, lab: doors["lab"]?.strike, event };
  };

  await t.test("Ada's card opens front and no other door", async (t) => {
    const { front, lab, event } = await present("/sim/readers/front/card", ada);
    t.match({ front, lab }, { front: "released", lab: "secured" });
    t.match(event, { door: "front", reader: "front", result: "granted", reason: "granted" });
    t.equal(event.user, "ada");
  });

  const denials = [
    ["a card that nobody has", stranger, "unknown_credential"],
    ["Bob, who has no rule", bob, "no_access"],
    ["Cleo, whose pass has expired", cleo, "expired"],
  ] as const;
  for (const [who, card, reason] of denials) {
    await t.test(`${who} is denied as ${reason} and nothing moves`, async (t) => {
      const { front, lab, event } = await present("/sim/readers/front/card", card);
      t.match({ front, lab }, { front: "secured", lab: "secured" });
      t.match(event, { door: "front", result: "denied", reason });
    });
  }

  await t.test("a PIN alone opens front, whose setting allows it", async (t) => {
    const keys = { keys: `${adaPin}#` };
    const { front, lab, event } = await present("/sim/readers/front/keys", keys);
    t.match({ front, lab }, { front: "released", lab: "secured" });
    t.match(event, { door: "front", result: "granted" });
  });

  await t.test("a PIN alone does not open lab", async (t) => {
    const keys = { keys: `${adaPin}#` };
    const { lab, event } = await present("/sim/readers/lab/keys", keys);
    t.equal(lab, "secured");
    t.match(event, { door: "lab", result: "denied", reason: "pin_alone_not_allowed" });
  });

  await t.test("lab opens to a card and its PIN, and not to the card alone", async (t) => {
    await secured(stack, "lab");
    const position = await newestPosition(stack);
    await stack.post("/sim/readers/lab/card", ada);
    t.equal((await stack.board()).doors["lab"]?.strike, "secured");
    await stack.post("/sim/readers/lab/keys", { keys: `${adaPin}#` });
    t.match((await stack.board()).doors, {
      lab: { strike: "released" },
      front: { strike: "secured" },
    });
    t.match(await decisionAfter(stack, position), { door: "lab", result: "granted" });
  });

  await t.test("a wrong PIN after the card is told from an unknown card", async (t) => {
    await secured(stack, "lab");
    const position = await newestPosition(stack);
    await stack.post("/sim/readers/lab/card", ada);
    await stack.post("/sim/readers/lab/keys", { keys: "135790#" });
    t.match(await decisionAfter(stack, position), { result: "denied", reason: "wrong_pin" });
  });

  const toldOf = (kind: string, position: number) =>
    eventually(`${kind} is at the site`, async () =>
      (await stack.events(`?after=${position}`)).find((event) => event.kind === kind),
    );

  await t.test("a leaf opened without grant or REX is told as forced, and its end", async (t) => {
    const position = await newestPosition(stack);
    await stack.post("/sim/doors/lab/contact", { leaf: "open" });
    t.match(await toldOf("door_forced", position), { door: "lab", result: null });
    await stack.post("/sim/doors/lab/contact", { leaf: "closed" });
    t.match(await toldOf("door_secured", position), { door: "lab" });
  });

  await t.test("REX releases its own strike, and the opening is no force", async (t) => {
    const position = await newestPosition(stack);
    await stack.post("/sim/doors/front/rex", { pressed: true });
    // Before the site is asked: where all is slow the strike has fallen again when it answers.
    const doors = await eventually("front is released", async () => {
      const { doors } = await stack.board();
      return doors["front"]?.strike === "released" ? doors : undefined;
    });
    t.match(doors, { lab: { strike: "secured" } });
    await toldOf("rex_admitted", position);
    await stack.post("/sim/doors/front/contact", { leaf: "open" });
    await stack.post("/sim/doors/front/rex", { pressed: false });
    await secured(stack, "front");
    await stack.post("/sim/doors/front/contact", { leaf: "closed" });
    const kinds = (await stack.events(`?after=${position}`)).map((event) => event.kind);
    t.notOk(kinds.includes("door_forced"), kinds.join(", "));
  });

  await t.test("the site's events are numbered without gaps", async (t) => {
    const numbers = (await stack.events("?limit=10000")).map((event) => event.number);
    t.same(
      numbers,
      numbers.map((_number, index) => index + 1),
    );
  });
}

t.test("with the embedded broker", async (t) => {
  const stack = await createStack();
  t.teardown(() => stack.remove());
  await stack.start();
  await doorsDecide(t, stack);
  await stack.post("/sim/readers/front/card", ada);
  t.equal(await stack.stop(), 0, "Ctrl-C stops it cleanly");
  t.notMatch(stack.output(), /was killed/, "also while a strike is released");
});

t.test("with mosquitto", { skip: mosquittoMissing() ?? false }, async (t) => {
  const mosquitto = await createMosquitto();
  t.teardown(() => mosquitto.remove());
  await mosquitto.start();
  const stack = await createStack({ POSTERN_MQTT_URL: mosquitto.url });
  t.teardown(() => stack.remove());
  await stack.start();
  await doorsDecide(t, stack);
});
