import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { SeamHttp } from "@seamapi/http";
import type { Test } from "tap";
import { SimClock } from "../../../../hal/sim/sim-clock.ts";
import { listenHttp } from "../../../../src/compose/http-listener.ts";
import { doorDefaults } from "../../../../src/domain/door-defaults.ts";
import { controllerId, doorId, readerId } from "../../../../src/domain/ids.ts";
import { succeed } from "../../../../src/domain/result.ts";
import { deriveKeys, digestPin } from "../../../../src/protocols/sync/provision.ts";
import { sealTableAck } from "../../../../src/protocols/sync/table-ack-message.ts";
import { topicsFor } from "../../../../src/protocols/sync/topics.ts";
import type { Rows } from "../../../../src/site/api/acs/find-rows.ts";
import type { ApiAppOptions } from "../../../../src/site/api/api-app.ts";
import { apiIdentity } from "../../../../src/site/api/api-identity.ts";
import { hashKey } from "../../../../src/site/api/api-key-check.ts";
import type { ApiSite } from "../../../../src/site/api/api-site.ts";
import type { ApplySiteFile } from "../../../../src/site/api/postern/site-routes.ts";
import { createSiteApi } from "../../../../src/site/api/site-api.ts";
import { openApiKey } from "../../../../src/site/api-key.ts";
import { applySiteText } from "../../../../src/site/apply-site-text.ts";
import { Notices } from "../../../../src/site/notices.ts";
import { openIssuer } from "../../../../src/site/open-issuer.ts";
import { openSiteEngine } from "../../../../src/site/open-site-engine.ts";
import { openSiteKeys } from "../../../../src/site/site-keys.ts";
import type { SiteDoor } from "../../../../src/site/site-model.ts";
import { openSiteFolder, openStateFolder } from "../../../../src/site/state-folder.ts";
import { openSiteStore } from "../../../../src/site/store/open-site-store.ts";
import type { ApiRole } from "../../../../src/site/store/store-schema.ts";
import { MemoryBroker } from "../memory-broker.ts";
import { LogText, site, temporaryFolder } from "../site-rig.ts";
import { testDatabase } from "../store/test-database.ts";
import { TableTaker } from "../table-taker.ts";

export const now = 1_800_000_000_000;

/** UUIDs for what a test names itself. */
export const uuid = (n: number): string =>
  `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;

export type ApiRig = Awaited<ReturnType<typeof startSiteApi>>;

/**
 * The site's API on a real socket, over a real store, issuer and engine. Only its controllers are
 * played: two doors, `front` on controller `one` and `back` on `two`.
 */
export async function startSiteApi(t: Test, part: Pick<ApiAppOptions, "limits"> = {}) {
  const rig = await startEmptySite(t, part);
  await addDoors(rig);
  return rig;
}

/** Likewise, without doors. */
export async function startEmptySite(t: Test, part: Pick<ApiAppOptions, "limits"> = {}) {
  const folder = temporaryFolder(t);
  const clock = new SimClock({ wallAt: now });
  const log = new LogText();
  const broker = new MemoryBroker();
  const keys = openSiteKeys(openSiteFolder(folder), site);
  const store = await openSiteStore({
    database: await testDatabase(join(folder, "site.sqlite3")),
    clock,
  });
  const engine = await openSiteEngine(
    { stateFolder: folder, site, link: broker, clock, log },
    { events: () => {}, controllerChanged: () => {} },
  );
  const notices = new Notices({ identity: apiIdentity(site), made: () => undefined });
  const issuer = openIssuer({ store, engine, clock, log, notices });
  await issuer.begin();
  const apiSite: ApiSite = {
    site,
    identity: apiIdentity(site),
    issuer,
    digestPin: (digits) => digestPin(keys.pinKey, digits),
    mobileKey: () => keys.mobileKey(),
  };
  const fileKey = openApiKey(openStateFolder(folder));
  const applyFile: ApplySiteFile = (applied) => applySiteText({ ...apiSite, issuer }, applied);
  const app = createSiteApi({ site: apiSite, fileKey, applyFile, clock, log, ...part });
  const listener = await listenHttp({ answer: app.answer, port: 0, variable: "TEST_PORT" });
  t.teardown(async () => {
    await listener.close();
    issuer.close();
    await engine.close();
    await store.close();
  });
  const rig = { app, apiSite, broker, clock, engine, folder, issuer, keys, log, store };
  const { url } = listener;
  const changeRows = async (make: (rows: Rows) => Promise<void>): Promise<void> => {
    await store.record(async ({ rows }) => make(rows));
  };
  const addKey = async (role: ApiRole): Promise<string> => {
    const key = `seam_${randomBytes(32).toString("hex")}`;
    const row = { id: role, name: role, role, hash: hashKey(key), createdAt: now, revokedAt: null };
    await changeRows(async (rows) => {
      await rows.insertInto("apiKeys").values(row).execute();
    });
    return key;
  };
  const client = clientOf(url, fileKey.text);
  return { ...rig, url, key: fileKey.text, client, changeRows, addKey };
}

/** The official client, as it comes, but that it does not ask again by itself. */
export function clientOf(endpoint: string, apiKey: string): SeamHttp {
  return new SeamHttp({ apiKey, endpoint, axiosRetryOptions: { retries: 0 } });
}

export const doorIds = { front: uuid(0xf0), back: uuid(0xb0) };

async function addDoors({ issuer }: Pick<ApiRig, "issuer">): Promise<void> {
  const added = await issuer.change({ name: "test" }, async ({ rows, touch, at }) => {
    for (const [id, controller] of [
      ["front", "one"],
      ["back", "two"],
    ] as const) {
      const body: SiteDoor = {
        ...doorDefaults,
        id: doorId(id),
        name: id === "front" ? "Front door" : "Back door",
        controller: controllerId(controller),
        readers: [readerId(id)],
        factors: "card_or_pin",
      };
      const row = { kind: "door", id, uuid: doorIds[id], origin: "api", position: 0 } as const;
      await rows
        .insertInto("surroundings")
        .values({ ...row, name: body.name, body: JSON.stringify(body), createdAt: at })
        .execute();
    }
    touch.surroundings();
    return succeed(undefined);
  });
  if (!added.ok) throw new Error(JSON.stringify(added.fault));
}

/** A controller that takes whatever was published for it, and says so. */
export function acknowledge(
  { keys, broker }: Pick<ApiRig, "keys" | "broker">,
  controller: "one" | "two",
): void {
  const id = controllerId(controller);
  const provision = keys.provisionFor(id);
  const { mark } = new TableTaker({ broker, service: keys }, id).head();
  const { messageKey } = deriveKeys(provision.controllerKey);
  const scope = { site, controller: id, messageKey };
  const ack = sealTableAck(scope, { outcome: "complete", table: mark });
  broker.deliver(topicsFor(site, id).tableAck, ack);
}

/** A user by way of the API. */
export async function addUser({ client, apiSite }: ApiRig, name = "Ada Lovelace") {
  return await client.acs.users.create({
    acs_system_id: apiSite.identity.systemId,
    full_name: name,
  });
}
