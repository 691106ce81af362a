import { join } from "node:path";
import type { Logger } from "pino";
import type { Clock } from "../../hal/clock.ts";
import type { SiteId } from "../domain/ids.ts";
import { digestPin } from "../protocols/sync/provision.ts";
import type { ApiApp } from "../site/api/api-app.ts";
import { apiIdentity } from "../site/api/api-identity.ts";
import { type ApiKeyCheck, apiKeyCheck } from "../site/api/api-key-check.ts";
import { hardwareRoutes } from "../site/api/hardware-routes.ts";
import { noticeRoutes } from "../site/api/notice-routes.ts";
import { createSiteApi } from "../site/api/site-api.ts";
import { openApiKey } from "../site/api-key.ts";
import { applySiteText } from "../site/apply-site-text.ts";
import { beginSite } from "../site/begin-site.ts";
import type { StoredEvent } from "../site/event-row.ts";
import { EventStream } from "../site/event-stream.ts";
import { Notices } from "../site/notices.ts";
import { NoticesOfDoors } from "../site/notices-of-doors.ts";
import { openIssuer } from "../site/open-issuer.ts";
import type { SiteEngine } from "../site/site-engine.ts";
import { parseSiteFile } from "../site/site-file.ts";
import { openSiteHardware, type SiteHardware } from "../site/site-hardware.ts";
import { openSiteKeys } from "../site/site-keys.ts";
import { openSiteFolder, openStateFolder } from "../site/state-folder.ts";
import { chooseDatabase, openSiteStore } from "../site/store/open-site-store.ts";
import type { SiteStore } from "../site/store/site-store.ts";
import { StoreError } from "../site/store/store-error.ts";
import { WebhookSender } from "../site/webhook-sender.ts";
import type { ClosingStack } from "./closing-stack.ts";
import type { LogLevel } from "./config/config-file.ts";
import type { SiteConfig } from "./config/site-config.ts";
import { startEngineThread } from "./engine-thread.ts";
import { isPublicAddress } from "./public-address.ts";
import { orRefuse, parseStartFile, readStartFile } from "./start-file.ts";
import { StartRefused } from "./start-refused.ts";
import { createWebhookClient } from "./webhook-client.ts";

export interface SiteParts {
  readonly brokerUrl: string;
  /** Undefined: the store is a file in the state folder. May hold a password. */
  readonly databaseUrl: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly logLevel: LogLevel;
  readonly closing: ClosingStack;
}

export interface OpenSite {
  readonly site: SiteId;
  readonly app: ApiApp;
  readonly engine: SiteEngine;
  /** Rejects when the site cannot go on. */
  readonly died: Promise<never>;
}

const storeFile = "site.sqlite3";

/** Store, engine and issuer, in step, and the API over them. Throws `StartRefused`. */
export async function openSite(config: SiteConfig, parts: SiteParts): Promise<OpenSite> {
  const { stateDir, siteFile } = config;
  const { brokerUrl, clock, log, logLevel, closing } = parts;
  const { site } = parseStartFile(siteFile, parseSiteFile);
  const folder = openSiteFolder(stateDir);
  const store = await openStore(join(folder.path, storeFile), parts);
  closing.push(() => store.close());
  // Whoever listens is made later: nothing is told before.
  let stored = (_events: readonly StoredEvent[]): void => undefined;
  const { engine, died } = await startEngineThread(
    { stateFolder: stateDir, site, brokerUrl, logLevel },
    { events: (events) => stored(events), controllerChanged: () => undefined },
  );
  const identity = apiIdentity(site);
  const reach = { ...config.webhooks, isPublicAddress };
  const sender = new WebhookSender({
    store,
    post: createWebhookClient({ ...reach, clock }),
    clock,
    log,
  });
  const notices = new Notices({ identity, made: () => sender.wake() });
  const issuer = openIssuer({ store, engine, clock, log, notices });
  closing.push(() => sender.close());
  let hardware: SiteHardware | undefined;
  closing.push(async () => {
    issuer.close();
    // What is under way at the doors ends with the engine, and is then written down.
    await engine.close();
    await hardware?.close();
  });
  const { pinKey, mobileKey } = openSiteKeys(folder, site);
  const files = { site, issuer, digestPin: (digits: string) => digestPin(pinKey, digits) };
  const firstFile = () => ({ text: readStartFile(siteFile), name: siteFile });
  orRefuse(await beginSite({ ...files, folder, log, firstFile }));
  const apiSite = { ...files, identity, mobileKey };
  const stream = new EventStream({ engine, clock, log });
  closing.push(async () => stream.close());
  const ofDoors = new NoticesOfDoors({ site, engine, store, notices, clock, log });
  closing.push(() => ofDoors.close());
  stored = (events) => {
    stream.publish(events);
    ofDoors.wake();
  };
  ofDoors.wake();
  sender.wake();
  hardware = await openSiteHardware({ issuer, clock, log, notices });
  const fileKey = openApiKey(openStateFolder(stateDir));
  const isAllowed = stillAllowed(apiKeyCheck(fileKey, store.rows));
  const app = createSiteApi({
    site: apiSite,
    fileKey,
    clock,
    log,
    applyFile: (applied) => applySiteText(files, applied),
    routes: [
      ...hardwareRoutes(apiSite, hardware),
      ...noticeRoutes(apiSite, { reach, stream, isAllowed }),
    ],
  });
  return { site, app, engine, died };
}

/** Whether the key that a request came with is good for anything still. */
function stillAllowed(keys: ApiKeyCheck): (request: Request) => Promise<boolean> {
  return async (request) => {
    const key = /^bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "")?.[1];
    return key !== undefined && (await keys.check(key)) !== undefined;
  };
}

async function openStore(file: string, { databaseUrl, clock }: SiteParts): Promise<SiteStore> {
  try {
    return await openSiteStore({ database: chooseDatabase(databaseUrl, file), clock });
  } catch (error) {
    if (error instanceof StoreError) throw new StartRefused(error.message);
    throw error;
  }
}
