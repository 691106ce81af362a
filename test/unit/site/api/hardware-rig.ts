import type { SeamHttp } from "@seamapi/http";
import { schemas } from "@seamapi/types/connect";
import type { Test } from "tap";
import { SimCardEncoder } from "../../../../hal/sim/sim-card-encoder.ts";
import { listenHttp } from "../../../../src/compose/http-listener.ts";
import { CommandReceiver } from "../../../../src/controller/command-receiver.ts";
import { remoteHandlers } from "../../../../src/controller/remote-handlers.ts";
import { controllerId, readerId } from "../../../../src/domain/ids.ts";
import { openerOf } from "../../../../src/protocols/sync/site-seal.ts";
import { topicsFor } from "../../../../src/protocols/sync/topics.ts";
import { acsRoutes } from "../../../../src/site/api/acs/acs-routes.ts";
import { createApiApp } from "../../../../src/site/api/api-app.ts";
import { apiIdentity } from "../../../../src/site/api/api-identity.ts";
import { apiKeyCheck } from "../../../../src/site/api/api-key-check.ts";
import { hardwareRoutes } from "../../../../src/site/api/hardware-routes.ts";
import { personRoutes } from "../../../../src/site/api/postern/person-routes.ts";
import { openApiKey } from "../../../../src/site/api-key.ts";
import { Notices } from "../../../../src/site/notices.ts";
import { openSiteHardware, type SiteHardware } from "../../../../src/site/site-hardware.ts";
import { openStateFolder } from "../../../../src/site/state-folder.ts";
import { openMobile, withPhones } from "../../controller/mobile-rig.ts";
import { one, site } from "../site-rig.ts";
import { type ApiRig, clientOf, startSiteApi, uuid } from "./api-rig.ts";

export const front = readerId("front");
export const writerId = uuid(0xe0);

export type HardwareRig = Awaited<ReturnType<typeof startHardware>>;

/**
 * The site's API, with controller `one` behind it: a whole one on a simulated board, whose commands come
 * over the broker. Its table is its own: what it decides is no matter here. Controller `two` is away.
 */
export async function startHardware(t: Test) {
  const rig = await startSiteApi(t);
  const { broker, clock, keys } = rig;
  const doors = openMobile(withPhones([]), { clock });
  const provision = keys.provisionFor(one);
  keys.provisionFor(controllerId("two"));
  const topics = topicsFor(site, one);
  const siteKey = openerOf(provision).sitePublicKey;
  const receiver = new CommandReceiver({
    provision,
    siteKeys: { current: () => siteKey },
    clock,
    record: (event) => doors.events.push(event),
    carryOut: remoteHandlers({
      doors: doors.controller,
      record: (event) => doors.events.push(event),
    }),
    send: async (what, message) =>
      broker.deliver(what === "offer" ? topics.commandOffer : topics.commandAnswer, message),
  });
  const away = { isAway: false };
  broker.onPublished(({ topic, payload }) => {
    if (away.isAway) return;
    if (topic === topics.commandAsk) receiver.takeAsk(payload);
    if (topic === topics.command) receiver.takeCommand(payload);
  });
  const encoder = new SimCardEncoder();
  const hardware = await openHardware(rig, encoder);
  const served = await serve(rig, hardware);
  t.teardown(async () => {
    await served.close();
    doors.close();
  });
  return { ...rig, ...served, doors, hardware, encoder, receiver, away };
}

export function openHardware(
  { issuer, clock, log }: Pick<ApiRig, "issuer" | "clock" | "log">,
  encoder = new SimCardEncoder(),
): Promise<SiteHardware> {
  const writers = [{ uuid: writerId, name: "Desk", encoder }];
  const notices = new Notices({ identity: apiIdentity(site), made: () => {} });
  return openSiteHardware({ issuer, clock, log, writers, notices });
}

async function serve(rig: ApiRig, hardware: SiteHardware) {
  const { apiSite, clock, log, folder, key } = rig;
  const fileKey = openApiKey(openStateFolder(folder));
  const routes = [
    ...acsRoutes(apiSite),
    ...personRoutes(apiSite),
    ...hardwareRoutes(apiSite, hardware),
  ];
  const keys = apiKeyCheck(fileKey, apiSite.issuer.store.rows);
  const rate = { burst: 1_000_000, perSecond: 1_000_000 };
  const limits = { key: rate, wrongKey: rate };
  const app = createApiApp({ routes, open: {}, keys, clock, log, limits });
  const listener = await listenHttp({ answer: app.answer, port: 0, variable: "TEST_PORT" });
  const client = clientOf(listener.url, key);
  return { url: listener.url, client, close: () => listener.close() };
}

/** What a request to our own part of the API comes to. */
export async function ask(
  { url, key }: Pick<HardwareRig, "url" | "key">,
  path: string,
  body: object,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The encoder that the reader of the front door is. */
export async function frontReader({ client }: { readonly client: SeamHttp }): Promise<string> {
  return await readerNamed(client, "Front door");
}

export async function readerNamed(client: SeamHttp, door: string): Promise<string> {
  const encoders = await client.acs.encoders.list({});
  const found = encoders.find(({ display_name }) => display_name.startsWith(door));
  if (found === undefined) throw new Error(`no reader at ${door}`);
  return found.acs_encoder_id;
}

/** As it is now, in Seam's own words. */
export async function attemptOf({ client }: { readonly client: SeamHttp }, id: string) {
  const attempt = await client.actionAttempts.get(
    { action_attempt_id: id },
    { waitForActionAttempt: false },
  );
  const parsed = schemas.action_attempt.safeParse(attempt);
  // What the union of all attempts has against it is a book.
  if (!parsed.success) throw new Error(`not Seam's: ${JSON.stringify(attempt)}`);
  return parsed.data;
}

/** Once it is over. Each look is a request, in which the site goes on. */
export async function outcomeOf(rig: { readonly client: SeamHttp }, id: string) {
  for (let looks = 0; looks < 500; looks += 1) {
    const attempt = await attemptOf(rig, id);
    if (attempt.status !== "pending") return attempt;
  }
  throw new Error("the attempt is still pending");
}

/** Once the reader waits for a card: its lamp says so. */
export async function listening({ doors, client }: HardwareRig): Promise<void> {
  const ends = ["taken", "nothing", "cancelled", "tampered"];
  for (let looks = 0; looks < 500; looks += 1) {
    await client.acs.encoders.list({});
    const outcomes = doors.events.flatMap((one) => (one.kind === "enrolment" ? one.outcome : []));
    const last = outcomes.findLast((one) => one === "began" || ends.includes(one));
    if (last === "began") return;
  }
  throw new Error("no reader listens");
}

const once = { waitForActionAttempt: false } as const;

/** Begun at the front door's reader, which waits for a card when this resolves. */
export async function scanToAssign(rig: HardwareRig, acs_user_id: string): Promise<string> {
  const acs_encoder_id = await frontReader(rig);
  const { encoders } = rig.client.acs;
  const begun = await encoders.scanToAssignCredential({ acs_encoder_id, acs_user_id }, once);
  await listening(rig);
  return begun.action_attempt_id;
}

/** By the administrator's form, at the front door's reader. */
export async function enrol(rig: HardwareRig, part: object): Promise<string> {
  const acs_encoder_id = await frontReader(rig);
  const asked = { acs_encoder_id, ...part };
  const { status, body } = await ask(rig, "/postern/enrolments/create", asked);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return (body["action_attempt"] as { action_attempt_id: string }).action_attempt_id;
}

export const passRows = ({ store }: Pick<HardwareRig, "store">) =>
  store.rows.selectFrom("passes").selectAll().orderBy("createdAt").orderBy("id").execute();
