import { SeamHttp } from "@seamapi/http";
import t, { type Test } from "tap";
import { createMosquitto, mosquittoMissing } from "./brokers.ts";
import { type BoardState, createStack, eventually, postern, type Stack } from "./stack.ts";

const once = { waitForActionAttempt: false } as const;

/** What a phone at the face of the simulated board was told. */
interface Told {
  readonly outcome: string;
  readonly form?: "full" | "fast";
}

interface Site {
  readonly stack: Stack;
  readonly client: SeamHttp;
  readonly encoder: string;
  readonly siteKey: string;
}

async function siteOf(stack: Stack): Promise<Site> {
  const apiKey = await stack.apiKey();
  const client = new SeamHttp({ apiKey, endpoint: stack.siteUrl });
  const encoders = await client.acs.encoders.list({});
  const front = encoders.find(({ display_name }) => display_name.endsWith("reader front"));
  const response = await fetch(`${stack.siteUrl}/postern/mobile_key/get`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  const { mobile_key } = (await response.json()) as { mobile_key: { public_key: string } };
  return {
    stack,
    client,
    encoder: front?.acs_encoder_id ?? "",
    siteKey: mobile_key.public_key,
  };
}

async function hold(site: Site, phone: string, action: "enrol" | "present"): Promise<Told> {
  const use = { phone, action, site_key: site.siteKey };
  const { status, body } = await site.stack.post("/sim/readers/front/phone", use);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body as unknown as Told;
}

/** Somebody with a mobile pass of several phones and access to the front door. */
async function makePerson({ client }: Site, full_name: string) {
  const [ada] = await client.acs.users.list({ search: "Ada" });
  if (ada === undefined) throw new Error("no Ada");
  const { acs_system_id } = ada;
  const { acs_user_id } = await client.acs.users.create({ acs_system_id, full_name });
  const [front] = await client.acs.entrances.list({ search: "front" });
  await client.acs.entrances.grantAccess({
    acs_entrance_id: front?.acs_entrance_id ?? "",
    acs_user_id,
  });
  const { acs_credential_id } = await client.acs.credentials.create({
    acs_user_id,
    access_method: "mobile_key",
    is_multi_phone_sync_credential: true,
  });
  return { acs_user_id, acs_credential_id };
}

/** Enrols the phone at the front reader, by its face; the doors have it when this resolves. */
async function enrol(site: Site, acs_credential_id: string, phone: string): Promise<string> {
  const { client, encoder, stack } = site;
  const response = await fetch(`${stack.siteUrl}/postern/enrolments/create`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await stack.apiKey()}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ acs_encoder_id: encoder, acs_credential_id }),
  });
  const begun = (await response.json()) as { action_attempt: { action_attempt_id: string } };
  const { action_attempt_id } = begun.action_attempt;
  await eventually("the reader waits for a phone", async () => {
    const { outcome } = await hold(site, phone, "enrol");
    return outcome === "enrolled" ? true : undefined;
  });
  return await eventually("the doors have the phone", async () => {
    const attempt = await client.actionAttempts.get({ action_attempt_id }, once);
    if (attempt.status === "error") throw new Error(JSON.stringify(attempt.error));
    if (attempt.action_type !== "SCAN_TO_ASSIGN_CREDENTIAL" || attempt.result === null) return;
    const { acs_credential_id: child } = attempt.result;
    const made = await client.acs.credentials.get({ acs_credential_id: child });
    return made.is_latest_desired_state_synced_with_provider === true ? child : undefined;
  });
}

const frontOf = async (stack: Stack) => (await stack.board()).doors["front"]?.strike;

function secured(stack: Stack): Promise<true> {
  return eventually("the door is secured", async () =>
    (await frontOf(stack)) === "secured" ? true : undefined,
  );
}

/** Granted, in that form, with the strike released; the door is shut again when this resolves. */
async function admits(t: Test, site: Site, phone: string, form: "full" | "fast"): Promise<void> {
  t.match(await hold(site, phone, "present"), { outcome: "granted", form }, phone);
  t.equal(await frontOf(site.stack), "released");
  await secured(site.stack);
}

/** Once the doors have what was changed, and from then on. */
async function deniedFromNowOn(t: Test, site: Site, phone: string): Promise<void> {
  await eventually("the phone is denied", async () => {
    const { outcome } = await hold(site, phone, "present");
    if (outcome === "denied") return true;
    await secured(site.stack);
    return undefined;
  });
  t.match(await hold(site, phone, "present"), { outcome: "denied" });
  t.equal(await frontOf(site.stack), "secured");
}

type Seen = BoardState & { readonly atNs: number; readonly changed: string | null };

/** What the board's stream shows of lamp and strike while `happens`. */
async function watch(stack: Stack, happens: () => Promise<unknown>) {
  const leave = new AbortController();
  const response = await fetch(`${stack.boardUrl}/sim/stream`, { signal: leave.signal });
  const seen: { readonly what: string; readonly atNs: number }[] = [];
  const reading = (async () => {
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString("utf8");
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const { changed, atNs, doors, readers } = JSON.parse(text.slice(6, end)) as Seen;
        text = text.slice(end + 2);
        if (changed === "doors.front.strike")
          seen.push({ what: doors["front"]?.strike ?? "", atNs });
        if (changed === "readers.front.led") seen.push({ what: readers["front"]?.led ?? "", atNs });
      }
    }
  })().catch((error: unknown) => {
    if (!leave.signal.aborted) throw error;
  });
  await happens();
  await eventually("the green is seen", async () =>
    seen.some(({ what }) => what === "green") ? true : undefined,
  );
  leave.abort();
  await reading;
  return seen;
}

async function phonesAtADoor(t: Test, site: Site): Promise<void> {
  const { stack, client } = site;

  await t.test("a phone is enrolled at the reader, and opens the door", async (t) => {
    const eve = await makePerson(site, "Eve");
    t.match(await hold(site, "eve", "present"), { outcome: "denied" }, "before it is anybody's");
    t.match(await hold(site, "eve", "enrol"), { outcome: "not_enrolling" });
    await enrol(site, eve.acs_credential_id, "eve");
    t.equal(await frontOf(stack), "secured", "nothing moves for an enrolment");
    await admits(t, site, "eve", "full");
    await admits(t, site, "eve", "fast");
    const [first, second] = await eventually("both are at the site", async () => {
      const granted = await stack.events("?kind=access_granted&limit=100");
      return granted.length >= 2 ? granted : undefined;
    });
    t.match(first, { door: "front", reader: "front", reason: "granted" });
    t.equal(first?.pass, second?.pass, "both of one pass, whatever the form");
  });

  await t.test("amber comes first, then the strike, and green with it", async (t) => {
    const seen = await watch(stack, () => hold(site, "eve", "present"));
    const order = seen.map(({ what }) => what).slice(0, 3);
    t.same(order, ["amber", "released", "green"]);
    const [amber, released, green] = seen.map(({ atNs }) => atNs);
    if (amber === undefined || released === undefined || green === undefined) return;
    t.ok(amber < released && released <= green, "by the board's own stamps");
    t.ok(green - released < 50e6, `green ${(green - released) / 1e6} ms after the strike`);
    await secured(stack);
  });

  await t.test("one of two phones is taken away, and the other goes on", async (t) => {
    const fay = await makePerson(site, "Fay");
    const old = await enrol(site, fay.acs_credential_id, "fay-old");
    await enrol(site, fay.acs_credential_id, "fay-new");
    await admits(t, site, "fay-old", "full");
    await admits(t, site, "fay-old", "fast");
    await client.acs.credentials.delete({ acs_credential_id: old });
    await deniedFromNowOn(t, site, "fay-old");
    await admits(t, site, "fay-new", "full");
  });

  await t.test("a pass is taken away with all its phones", async (t) => {
    const gus = await makePerson(site, "Gus");
    await enrol(site, gus.acs_credential_id, "gus");
    await admits(t, site, "gus", "full");
    await admits(t, site, "gus", "fast");
    await client.acs.credentials.delete({ acs_credential_id: gus.acs_credential_id });
    await deniedFromNowOn(t, site, "gus");
  });

  await t.test("a user who goes takes every phone along", async (t) => {
    const hal = await makePerson(site, "Hal");
    await enrol(site, hal.acs_credential_id, "hal");
    await admits(t, site, "hal", "full");
    await client.acs.users.delete({ acs_user_id: hal.acs_user_id });
    await deniedFromNowOn(t, site, "hal");
  });

  await t.test("status shows the radio and what phones were told", async (t) => {
    const { stdout } = await postern(["status"], { env: stack.env });
    t.match(stdout, /READER +RADIO +PHONES +ANSWERS +FAULTS +RESTARTS/);
    t.match(stdout, /front +up +[0-9]+ .*granted [0-9]+/);
    t.notMatch(stdout, /phone:|mobile_/);
  });
}

t.test("phones with the embedded broker", async (t) => {
  const stack = await createStack();
  t.teardown(() => stack.remove());
  await stack.start();
  await phonesAtADoor(t, await siteOf(stack));
});

t.test("phones with mosquitto", { skip: mosquittoMissing() ?? false }, async (t) => {
  const mosquitto = await createMosquitto();
  t.teardown(() => mosquitto.remove());
  await mosquitto.start();
  const stack = await createStack({ POSTERN_MQTT_URL: mosquitto.url });
  t.teardown(() => stack.remove());
  await stack.start();
  const site = await siteOf(stack);
  const ida = await makePerson(site, "Ida");
  await enrol(site, ida.acs_credential_id, "ida");
  await admits(t, site, "ida", "full");
  await site.client.acs.credentials.delete({ acs_credential_id: ida.acs_credential_id });
  await deniedFromNowOn(t, site, "ida");
});
