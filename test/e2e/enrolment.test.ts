import { SeamHttp } from "@seamapi/http";
import { connectAsync } from "mqtt";
import t, { type Test } from "tap";
import { createMosquitto, mosquittoMissing } from "./brokers.ts";
import { ada, createStack, eventually, type SiteEvent, type Stack, stranger } from "./stack.ts";

const base = "postern/1/demo/c/demo";
const once = { waitForActionAttempt: false } as const;

/** Cards of the demonstration's format that nobody has. */
const cardOf = (number: number) => ({ format: "H10301", facility: 12, number });

interface Site {
  readonly stack: Stack;
  readonly client: SeamHttp;
  /** Which encoder a door's reader is, and what a user is called. */
  readonly readerOf: (door: string) => Promise<string>;
  readonly userOf: (name: string) => Promise<string>;
}

async function siteOf(stack: Stack): Promise<Site> {
  const client = new SeamHttp({ apiKey: await stack.apiKey(), endpoint: stack.siteUrl });
  return {
    stack,
    client,
    readerOf: async (door) => {
      const encoders = await client.acs.encoders.list({});
      const found = encoders.find(({ display_name }) => display_name.endsWith(`reader ${door}`));
      if (found === undefined) throw new Error(`no reader ${door}`);
      return found.acs_encoder_id;
    },
    userOf: async (name) => {
      const [user] = await client.acs.users.list({ search: name });
      if (user === undefined) throw new Error(`no ${name}`);
      return user.acs_user_id;
    },
  };
}

/** Begun, and the reader waits for a card. */
async function enrolAt(site: Site, door: string, name: string): Promise<string> {
  const acs_encoder_id = await site.readerOf(door);
  const acs_user_id = await site.userOf(name);
  const { encoders } = site.client.acs;
  const begun = await encoders.scanToAssignCredential({ acs_encoder_id, acs_user_id }, once);
  await toldOf(site.stack, begun.action_attempt_id, "began");
  return begun.action_attempt_id;
}

/** What the controller journalled of an enrolment. */
function toldOf(stack: Stack, attempt: string, outcome: string): Promise<SiteEvent> {
  const isIt = ({ event }: SiteEvent) => {
    const said = event as { readonly attempt?: string; readonly outcome?: string };
    return said.attempt === attempt && said.outcome === outcome;
  };
  return eventually(`the enrolment ${outcome}`, async () =>
    (await stack.events("?kind=enrolment&limit=100")).find(isIt),
  );
}

function outcomeOf({ client }: Site, action_attempt_id: string) {
  return eventually("the attempt is over", async () => {
    const attempt = await client.actionAttempts.get({ action_attempt_id }, once);
    return attempt.status === "pending" ? undefined : attempt;
  });
}

/** A success is a credential; the doors have it when this resolves. */
async function credentialOf(site: Site, attempt: string) {
  const outcome = await outcomeOf(site, attempt);
  if (outcome.action_type !== "SCAN_TO_ASSIGN_CREDENTIAL" || outcome.status !== "success") {
    throw new Error(JSON.stringify(outcome));
  }
  const { acs_credential_id } = outcome.result;
  return await eventually("the doors have it", async () => {
    const credential = await site.client.acs.credentials.get({ acs_credential_id });
    return credential.is_latest_desired_state_synced_with_provider === true
      ? credential
      : undefined;
  });
}

const strikesOf = async (stack: Stack) => {
  const { doors } = await stack.board();
  return { front: doors["front"]?.strike, lab: doors["lab"]?.strike };
};
const allSecured = { front: "secured", lab: "secured" };

function secured(stack: Stack): Promise<true> {
  return eventually("every door is secured", async () => {
    const { front, lab } = await strikesOf(stack);
    return front === "secured" && lab === "secured" ? true : undefined;
  });
}

async function present(stack: Stack, reader: string, card: object): Promise<void> {
  const { status, body } = await stack.post(`/sim/readers/${reader}/card`, card);
  if (status !== 200) throw new Error(JSON.stringify(body));
}

async function enrolsCards(t: Test, site: Site): Promise<void> {
  const { stack, client } = site;

  await t.test("a card enrolled at the reader opens the door, without a restart", async (t) => {
    const attempt = await enrolAt(site, "front", "Ada");
    await present(stack, "lab", cardOf(901));
    t.equal(
      (await client.actionAttempts.get({ action_attempt_id: attempt }, once)).status,
      "pending",
    );
    await present(stack, "front", cardOf(902));
    t.same(await strikesOf(stack), allSecured, "nothing moves for it");
    const credential = await credentialOf(site, attempt);
    t.match(credential, { display_name: "Card 9**", is_issued: true });
    // Another card between: the first is not the one that was left on the reader any more.
    await present(stack, "front", stranger);
    await present(stack, "front", cardOf(902));
    t.match(await strikesOf(stack), { front: "released" });
    await secured(stack);
    await present(stack, "front", cardOf(901));
    t.same(await strikesOf(stack), allSecured, "the one at the other reader is nobody's");
  });

  await t.test("two at once, at two readers, get each its own card", async (t) => {
    const atFront = await enrolAt(site, "front", "Bob");
    const atLab = await enrolAt(site, "lab", "Ada");
    await present(stack, "lab", cardOf(904));
    await present(stack, "front", cardOf(903));
    const ofBob = await credentialOf(site, atFront);
    const ofAda = await credentialOf(site, atLab);
    t.equal(ofBob.acs_user_id, await site.userOf("Bob"));
    t.equal(ofAda.acs_user_id, await site.userOf("Ada"));
    await present(stack, "front", cardOf(904));
    t.match(await strikesOf(stack), { front: "released" }, "Ada's, by her own rule");
    await secured(stack);
  });

  await t.test("a card that somebody has is refused, and stays whose it was", async (t) => {
    const attempt = await enrolAt(site, "front", "Bob");
    await present(stack, "front", ada);
    t.same(await strikesOf(stack), allSecured, "although it opens this door");
    t.match(await outcomeOf(site, attempt), { status: "error", result: null });
    await present(stack, "front", stranger);
    await present(stack, "front", ada);
    t.match(await strikesOf(stack), { front: "released" });
    await secured(stack);
  });

  await t.test(
    "nobody presents a card: the attempt says so, and cards are judged again",
    async (t) => {
      const order = { acs_encoder_id: await site.readerOf("front"), listen_ms: 1_000 };
      const { action_attempt } = (await ask(site, "/postern/enrolments/create", order)) as {
        action_attempt: { action_attempt_id: string };
      };
      const outcome = await outcomeOf(site, action_attempt.action_attempt_id);
      t.match(outcome, { status: "error", error: { type: "no_credential_on_encoder" } });
      await present(stack, "front", ada);
      t.match(await strikesOf(stack), { front: "released" });
      await secured(stack);
    },
  );
}

/** What a request to the site's own part of its API answers. */
async function ask({ stack }: Site, path: string, body: object): Promise<unknown> {
  const response = await fetch(`${stack.siteUrl}${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await stack.apiKey()}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}

/** Somebody holds a phone to a reader; answers what the phone was told. */
async function holdPhone(site: Site, reader: string, use: object): Promise<unknown> {
  const told = (await ask(site, "/postern/mobile_key/get", {})) as {
    readonly mobile_key: { readonly public_key: string };
  };
  const site_key = told.mobile_key.public_key;
  const { status, body } = await site.stack.post(`/sim/readers/${reader}/phone`, {
    ...use,
    site_key,
  });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body["outcome"];
}

async function enrolPhoneAt(site: Site, reader: string, which: object): Promise<string> {
  const order = { acs_encoder_id: await site.readerOf(reader), ...which };
  const begun = (await ask(site, "/postern/enrolments/create", order)) as {
    readonly action_attempt: { readonly action_attempt_id: string };
  };
  await toldOf(site.stack, begun.action_attempt.action_attempt_id, "began");
  return begun.action_attempt.action_attempt_id;
}

async function enrolsPhones(t: Test, site: Site): Promise<void> {
  const { stack, client } = site;
  const acs_user_id = await site.userOf("Ada");
  const pass = await client.acs.credentials.create({
    acs_user_id,
    access_method: "mobile_key",
    is_multi_phone_sync_credential: true,
  });
  const { acs_credential_id } = pass;
  const enrolled = async (phone: string) => {
    const attempt = await enrolPhoneAt(site, "front", { acs_credential_id });
    t.equal(await holdPhone(site, "front", { phone, action: "enrol" }), "enrolled");
    return await credentialOf(site, attempt);
  };
  const present = (phone: string) => holdPhone(site, "front", { phone, action: "present" });

  await t.test("phones enrolled at the reader open the door, each by itself", async (t) => {
    t.equal(await holdPhone(site, "front", { phone: "old", action: "enrol" }), "not_enrolling");
    const first = await enrolled("old");
    t.same(await strikesOf(stack), allSecured, "nothing moves for it");
    const second = await enrolled("new");
    for (const credential of [first, second]) {
      t.match(credential, { access_method: "mobile_key", display_name: /^Phone [0-9a-f]{4}$/ });
    }
    for (const phone of ["old", "new"]) {
      t.equal(await present(phone), "granted");
      t.match(await strikesOf(stack), { front: "released" });
      await secured(stack);
    }
    await client.acs.credentials.delete({ acs_credential_id: first.acs_credential_id });
    await eventually("the door has it", async () => {
      const answer = await present("old");
      if (answer === "denied") return true;
      await secured(stack);
      return undefined;
    });
    t.same(await strikesOf(stack), allSecured, "also of one that the reader had just granted");
    t.equal(await present("new"), "granted", "and the other goes on");
    await secured(stack);
  });

  await t.test("a phone that somebody has is refused, and stays whose it was", async (t) => {
    const attempt = await enrolPhoneAt(site, "lab", { acs_credential_id });
    t.equal(await holdPhone(site, "lab", { phone: "new", action: "enrol" }), "enrolled");
    t.match(await outcomeOf(site, attempt), {
      status: "error",
      error: { message: /^This phone is a credential already/ },
    });
    t.equal(await present("new"), "granted");
    await secured(stack);
  });

  await t.test("a card is judged as ever while a phone is waited for", async (t) => {
    const attempt = await enrolPhoneAt(site, "front", { acs_credential_id });
    await stack.post("/sim/readers/front/card", ada);
    t.match(await strikesOf(stack), { front: "released" });
    await secured(stack);
    t.equal(await holdPhone(site, "front", { phone: "third", action: "enrol" }), "enrolled");
    t.match(await credentialOf(site, attempt), { acs_user_id });
  });

  await t.test("a suspended user's phones open nothing", async (t) => {
    await client.acs.users.suspend({ acs_user_id });
    await eventually("the door has it", async () => {
      if ((await present("new")) === "denied") return true;
      await secured(stack);
      return undefined;
    });
    t.same(await strikesOf(stack), allSecured);
    await client.acs.users.unsuspend({ acs_user_id });
    await eventually("the door has it", async () =>
      (await present("new")) === "granted" ? true : undefined,
    );
    await secured(stack);
  });
}

t.test("with the embedded broker", async (t) => {
  const stack = await createStack();
  t.teardown(() => stack.remove());
  await stack.start();
  const site = await siteOf(stack);
  await enrolsCards(t, site);
  await enrolsPhones(t, site);
  const attempt = await enrolAt(site, "front", "Ada");
  t.equal(await stack.stop(), 0, "a reader that waits holds up no stop");
  t.notMatch(stack.output(), /was killed/);
  await stack.start();
  t.match(await outcomeOf(site, attempt), { status: "error" }, "and nothing waits for it any more");
});

t.test("who owns the broker", { skip: mosquittoMissing() ?? false }, async (t) => {
  const mosquitto = await createMosquitto();
  t.teardown(() => mosquitto.remove());
  await mosquitto.start();
  const stack = await createStack({ POSTERN_MQTT_URL: mosquitto.url });
  t.teardown(() => stack.remove());
  const spy = await connectAsync(mosquitto.url);
  t.teardown(() => spy.endAsync(true));
  const heard: { readonly topic: string; readonly payload: Buffer }[] = [];
  spy.on("message", (topic, payload) => heard.push({ topic, payload: Buffer.from(payload) }));
  await spy.subscribeAsync(`${base}/#`, { qos: 1 });
  await stack.start();
  const site = await siteOf(stack);
  const { client } = site;

  const unlock = async () => {
    const [front] = await client.acs.entrances.list({ search: "front" });
    const acs_user_id = await site.userOf("Ada");
    const [pass] = await client.acs.credentials.list({ acs_user_id });
    return await client.acs.entrances.unlock({
      acs_entrance_id: front?.acs_entrance_id ?? "",
      acs_credential_id: pass?.acs_credential_id ?? "",
    });
  };

  await t.test("hears a command and its answer, and reads neither", async (t) => {
    t.match(await unlock(), { status: "success", result: { was_confirmed_by_device: true } });
    t.match(await strikesOf(stack), { front: "released" });
    const attempt = await enrolAt(site, "front", "Ada");
    await present(stack, "front", cardOf(905));
    await credentialOf(site, attempt);
    const said = heard.filter(({ topic }) => topic.startsWith(`${base}/command`));
    t.ok(said.length >= 8, "two conversations");
    const text = Buffer.concat(said.map(({ payload }) => payload)).toString("latin1");
    for (const secret of ["unlock", "front", "enrol", "presented", "26:", attempt]) {
      t.notOk(text.includes(secret), secret);
    }
    await secured(stack);
  });

  await t.test("opens nothing by what was recorded, at once or after a restart", async (t) => {
    const recorded = heard.filter(({ topic }) => topic.startsWith(`${base}/command`));
    const replay = async () => {
      for (const { topic, payload } of recorded) await spy.publishAsync(topic, payload, { qos: 1 });
    };
    const unlocks = async () => (await stack.events("?kind=remote_unlock")).length;
    const before = await unlocks();
    await replay();
    // Whatever was replayed has been taken in when this one waits.
    await enrolAt(site, "lab", "Ada");
    t.same(await strikesOf(stack), allSecured);
    await stack.kill("controller");
    await eventually("the controller is back", async () => {
      await present(stack, "front", ada);
      return (await strikesOf(stack)).front === "released" ? true : undefined;
    });
    await secured(stack);
    await replay();
    const refused = await eventually("the refusal is at the site", async () =>
      (await stack.events("?kind=command_refused")).find(({ reason }) => reason === "no_offer"),
    );
    t.equal(refused.result, null);
    t.same(await strikesOf(stack), allSecured);
    t.equal(await unlocks(), before);
  });
});
