import { randomUUID } from "node:crypto";
import { SeamWebhook } from "@seamapi/webhook";
import t, { type Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { nameUuid } from "../../../src/site/name-uuid.ts";
import { Notices } from "../../../src/site/notices.ts";
import { openSiteStore } from "../../../src/site/store/open-site-store.ts";
import type { SiteStore } from "../../../src/site/store/site-store.ts";
import { listDeliveries } from "../../../src/site/store/webhooks.ts";
import type { WebhookAnswer, WebhookRequest } from "../../../src/site/webhook-post.ts";
import {
  attemptsAtOnceMax,
  WebhookSender,
  type WebhookSenderParts,
} from "../../../src/site/webhook-sender.ts";
import { drawWebhookSecret } from "../../../src/site/webhook-signature.ts";
import { LogText, site } from "./site-rig.ts";
import { overBothDatabases, type StoreBench } from "./store/store-rig.ts";

const identity = {
  systemId: nameUuid(site, "acs_system"),
  workspaceId: nameUuid(site, "workspace"),
  connectedAccountId: nameUuid(site, "connected_account"),
};

const done: WebhookAnswer = { kind: "answered", status: 204 };
const refused: WebhookAnswer = { kind: "failed", why: "ECONNREFUSED" };

/** What is at the other end, and what it was sent. */
class Receiver {
  readonly requests: WebhookRequest[] = [];
  /** By URL; what is not said is received. */
  readonly answers = new Map<string, WebhookAnswer>();
  /** Whoever is asked while this is set is told nothing until it is let go. */
  held: (() => void)[] | undefined;
  underWayCount = 0;
  underWayMost = 0;

  readonly post = async (request: WebhookRequest): Promise<WebhookAnswer> => {
    this.requests.push(request);
    this.underWayCount += 1;
    this.underWayMost = Math.max(this.underWayMost, this.underWayCount);
    if (this.held !== undefined) await new Promise<void>((resolve) => this.held?.push(resolve));
    this.underWayCount -= 1;
    return this.answers.get(request.url) ?? done;
  };

  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const go of held) go();
  }

  /** The events that this URL was sent, in order. */
  eventsAt(url: string): readonly string[] {
    return this.requests
      .filter((request) => request.url === url)
      .map(({ body }) => String(JSON.parse(body)["acs_user_id"]).slice(0, 8));
  }
}

interface SenderRig {
  readonly store: SiteStore;
  readonly clock: SimClock;
  readonly log: LogText;
  readonly receiver: Receiver;
  sender: WebhookSender;
}

async function makeRig(t: Test, bench: StoreBench): Promise<SenderRig> {
  const clock = new SimClock({ wallAt: Date.now() });
  const store = await openSiteStore({ database: await bench.newDatabase(), clock });
  t.teardown(() => store.close());
  const receiver = new Receiver();
  const log = new LogText();
  return { store, clock, log, receiver, sender: startSender({ store, clock, log, receiver }) };
}

function startSender(
  { store, clock, log, receiver }: Omit<SenderRig, "sender">,
  part: Partial<WebhookSenderParts> = {},
): WebhookSender {
  return new WebhookSender({ store, clock, log, post: receiver.post, ...part });
}

async function addWebhook(
  { store }: Pick<SenderRig, "store">,
  url: string,
  eventTypes: readonly string[] | null = null,
) {
  const row = { id: randomUUID(), url, secret: drawWebhookSecret(), createdAt: 1 };
  await store.record(async ({ rows }) => {
    const types = eventTypes && JSON.stringify(eventTypes);
    await rows
      .insertInto("webhooks")
      .values({ ...row, eventTypes: types })
      .execute();
  });
  return row;
}

/** So many users were created, whose ids begin with `from` and the numbers after it. */
async function notice(rig: SenderRig, count = 1, from = 1): Promise<void> {
  const notices = new Notices({ identity, made: () => rig.sender.wake() });
  await rig.store.record((record) =>
    notices.add(
      record,
      Array.from({ length: count }, (_, at) => ({
        notice: { type: "acs_user.created", user: userUuid(from + at) },
      })),
    ),
  );
  await rig.sender.settled();
}

const userUuid = (number: number) => `${nameOf(number)}-0000-4000-8000-000000000000`;
const nameOf = (number: number) => String(number).padStart(8, "0");
const namesOf = (...numbers: readonly number[]) => numbers.map(nameOf);

/** Time passes, and what came due meanwhile is done. */
async function pass({ clock, sender }: SenderRig, ms: number): Promise<void> {
  clock.advance(ms);
  await sender.settled();
}

async function deliveriesOf({ store }: SenderRig, webhook: { readonly id: string }) {
  return await listDeliveries(store.rows, { webhookId: webhook.id, limit: 1_000 });
}

const minutes = 60_000;
const hours = 60 * minutes;

overBothDatabases(t, async (t, bench) => {
  t.test("an event is sent once, and whoever has the secret knows that it is ours", async (t) => {
    const rig = await makeRig(t, bench);
    const webhook = await addWebhook(rig, "https://a.example/hook");
    await notice(rig);
    const [request, ...others] = rig.receiver.requests;
    t.equal(others.length, 0);
    const verifier = new SeamWebhook(webhook.secret);
    const { body = "", headers = {} } = request ?? {};
    t.match(verifier.verify(body, headers), {
      event_type: "acs_user.created",
      acs_user_id: userUuid(1),
      event_id: headers["webhook-id"],
    });
    t.equal(headers["content-type"], "application/json");
    t.throws(() => verifier.verify(body.replace("created", "deleted"), headers));
    t.throws(() => new SeamWebhook(drawWebhookSecret()).verify(body, headers));
    t.match(await deliveriesOf(rig, webhook), [
      { outcome: "delivered", attempts: 1, nextAt: null, detail: "status 204" },
    ]);
    await pass(rig, 48 * hours);
    t.equal(rig.receiver.requests.length, 1);
    t.equal(rig.clock.alarmCount, 0, "and nothing is waited for");
    t.notMatch(rig.log.text, webhook.secret.slice(6));
  });

  t.test(
    "what fails is tried again as often and as late as documented, then given up",
    async (t) => {
      const rig = await makeRig(t, bench);
      const webhook = await addWebhook(rig, "https://down.example");
      rig.receiver.answers.set(webhook.url, { kind: "answered", status: 500 });
      await notice(rig);
      const retries = [5_000, 5 * minutes, 30 * minutes, 2 * hours, 5 * hours];
      for (const [index, afterMs] of [...retries, 10 * hours, 10 * hours].entries()) {
        await pass(rig, afterMs - 1);
        t.equal(rig.receiver.requests.length, index + 1, `${afterMs} ms have not passed yet`);
        await pass(rig, 1);
        t.equal(rig.receiver.requests.length, index + 2, `${afterMs} ms after the one before`);
      }
      await pass(rig, 48 * hours);
      t.equal(rig.receiver.requests.length, 8);
      t.match(await deliveriesOf(rig, webhook), [
        { outcome: "failed", attempts: 8, nextAt: null, detail: "status 500" },
      ]);
      t.match(rig.log.text, /was not told.*status 500/);
      const ids = new Set(rig.receiver.requests.map(({ headers }) => headers["webhook-id"]));
      t.equal(ids.size, 1, "under one id, by which the other side knows it again");
      const stamps = new Set(
        rig.receiver.requests.map(({ headers }) => headers["webhook-timestamp"]),
      );
      t.equal(stamps.size, 8, "each signed for its own moment");
    },
  );

  t.test("only what an endpoint asked for, from when it asked", async (t) => {
    const rig = await makeRig(t, bench);
    await notice(rig, 2);
    const all = await addWebhook(rig, "https://all.example");
    const star = await addWebhook(rig, "https://star.example", ["*"]);
    const users = await addWebhook(rig, "https://users.example", ["acs_user.created"]);
    const others = await addWebhook(rig, "https://others.example", ["acs_user.deleted"]);
    await notice(rig, 1, 3);
    t.same(rig.receiver.eventsAt(all.url), namesOf(3));
    t.same(rig.receiver.eventsAt(star.url), namesOf(3));
    t.same(rig.receiver.eventsAt(users.url), namesOf(3));
    t.same(rig.receiver.eventsAt(others.url), []);
  });

  t.test("to one endpoint one at a time and in order, to several side by side", async (t) => {
    const rig = await makeRig(t, bench);
    const count = attemptsAtOnceMax + 3;
    const urls = Array.from({ length: count }, (_, at) => `https://host${at}.example`);
    for (const url of urls) await addWebhook(rig, url);
    rig.receiver.held = [];
    const made = notice(rig, 6);
    while (rig.receiver.requests.length < attemptsAtOnceMax) await new Promise(setImmediate);
    await rig.store.record(async () => undefined);
    t.equal(rig.receiver.requests.length, attemptsAtOnceMax);
    t.equal(new Set(rig.receiver.requests.map(({ url }) => url)).size, attemptsAtOnceMax);
    rig.receiver.release();
    await made;
    t.equal(rig.receiver.underWayMost, attemptsAtOnceMax);
    const expected = Array.from({ length: 6 }, (_, at) => nameOf(at + 1));
    for (const url of urls) t.same(rig.receiver.eventsAt(url), expected, url);
  });

  t.test(
    "an endpoint that is away holds nobody up, and gets what it missed in order",
    async (t) => {
      const rig = await makeRig(t, bench);
      const away = await addWebhook(rig, "https://away.example");
      const there = await addWebhook(rig, "https://there.example");
      rig.receiver.answers.set(away.url, refused);
      await notice(rig, 3);
      t.same(rig.receiver.eventsAt(there.url), namesOf(1, 2, 3));
      await pass(rig, 1_000);
      await notice(rig, 1, 4);
      t.same(rig.receiver.eventsAt(away.url), namesOf(1, 2, 3, 4), "what is new is tried at once");
      rig.receiver.answers.delete(away.url);
      rig.receiver.requests.length = 0;
      await pass(rig, 4_000);
      t.same(rig.receiver.eventsAt(away.url), namesOf(1, 2, 3));
      await pass(rig, 1_000);
      t.same(rig.receiver.eventsAt(away.url), namesOf(1, 2, 3, 4));
      t.equal(rig.clock.alarmCount, 0);
    },
  );

  t.test("a site that was stopped goes on with what it had not delivered", async (t) => {
    const rig = await makeRig(t, bench);
    const webhook = await addWebhook(rig, "https://a.example");
    rig.receiver.answers.set(webhook.url, refused);
    await notice(rig);
    await pass(rig, 5_000);
    // Killed in the middle of the third attempt: nobody writes down what became of it.
    rig.receiver.held = [];
    rig.clock.advance(5 * minutes);
    while (rig.receiver.requests.length < 3) await new Promise(setImmediate);
    const closed = rig.sender.close();
    rig.receiver.release();
    await closed;
    t.match(await deliveriesOf(rig, webhook), [{ attempts: 2, outcome: "pending" }]);
    rig.clock.advance(12 * hours);
    rig.sender = startSender(rig);
    rig.receiver.answers.delete(webhook.url);
    rig.sender.wake();
    await rig.sender.settled();
    t.match(await deliveriesOf(rig, webhook), [{ attempts: 3, outcome: "delivered" }]);
    const ids = new Set(rig.receiver.requests.map(({ headers }) => headers["webhook-id"]));
    t.equal(ids.size, 1);
    t.equal(rig.receiver.requests.length, 4);
  });

  t.test("what cannot be written down is not sent over and over", async (t) => {
    const rig = await makeRig(t, bench);
    const webhook = await addWebhook(rig, "https://a.example");
    let isFull = true;
    await rig.sender.close();
    rig.sender = startSender(rig, {
      store: {
        rows: rig.store.rows,
        record: async (make) => {
          if (isFull) throw new Error("the disk is full");
          return await rig.store.record(make);
        },
      },
    });
    await notice(rig);
    await notice(rig, 1, 2);
    t.equal(rig.receiver.requests.length, 1);
    await pass(rig, 1_000);
    t.equal(rig.receiver.requests.length, 2);
    await pass(rig, 1_000);
    t.equal(rig.receiver.requests.length, 2, "ever more rarely");
    t.match(rig.log.text, /the disk is full/);
    isFull = false;
    await pass(rig, 1_000);
    t.match(await deliveriesOf(rig, webhook), [{ outcome: "delivered" }, { outcome: "delivered" }]);
    t.equal(rig.clock.alarmCount, 0);
  });

  t.test("a webhook that is deleted while it is told is told no more", async (t) => {
    const rig = await makeRig(t, bench);
    const webhook = await addWebhook(rig, "https://a.example");
    const other = await addWebhook(rig, "https://b.example");
    rig.receiver.answers.set(webhook.url, refused);
    rig.receiver.held = [];
    const made = notice(rig, 3);
    while (rig.receiver.requests.length < 2) await new Promise(setImmediate);
    await rig.store.record(async ({ rows }) => {
      await rows.deleteFrom("webhooks").where("id", "=", webhook.id).execute();
    });
    rig.receiver.release();
    await made;
    t.same(rig.receiver.eventsAt(webhook.url), namesOf(1));
    t.same(rig.receiver.eventsAt(other.url), namesOf(1, 2, 3));
    t.equal(rig.clock.alarmCount, 0);
  });

  t.test(
    "for an endpoint that stays away so much is kept, and the oldest is given up",
    async (t) => {
      const rig = await makeRig(t, bench);
      const webhook = await addWebhook(rig, "https://a.example");
      rig.receiver.answers.set(webhook.url, refused);
      await rig.sender.close();
      rig.sender = startSender(rig, { waitingMax: 4 });
      await notice(rig, 10);
      const deliveries = (await deliveriesOf(rig, webhook)).toReversed();
      const outcomes = deliveries.map(({ outcome }) => outcome);
      t.same(outcomes, [...Array(6).fill("failed"), ...Array(4).fill("pending")]);
      t.match(deliveries[0], { detail: "too_many_waiting", nextAt: null });
      t.match(rig.log.text, /too much waits/);
    },
  );

  t.test("a wall clock that was far ahead delays nothing for years", async (t) => {
    const rig = await makeRig(t, bench);
    const webhook = await addWebhook(rig, "https://a.example");
    rig.receiver.answers.set(webhook.url, refused);
    const now = rig.clock.wall().at;
    rig.clock.setWall({ at: epochMs(now + 365 * 24 * hours) });
    await notice(rig);
    rig.clock.setWall({ at: now });
    rig.receiver.answers.delete(webhook.url);
    await pass(rig, 10 * minutes);
    t.match(await deliveriesOf(rig, webhook), [{ outcome: "delivered", attempts: 2 }]);
  });
});
