import type { Logger } from "pino";
import type { Clock } from "../../hal/clock.ts";
import { openServiceManager } from "../../hal/linux/system/service-manager.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { createSiteApp } from "../site/http-app.ts";
import { parseSiteFile } from "../site/site-file.ts";
import { openSiteService, type SiteService } from "../site/site-service.ts";
import { BrokerOutages } from "./broker-outages.ts";
import { ClosingStack } from "./closing-stack.ts";
import { withoutCredentials } from "./config/broker-url.ts";
import type { LogLevel } from "./config/config-file.ts";
import type { BrokerChoice, SiteConfig } from "./config/site-config.ts";
import { startEmbeddedBroker } from "./embedded-broker.ts";
import { listenHttp } from "./http-listener.ts";
import { createLog } from "./log.ts";
import { connectMqtt } from "./mqtt-link.ts";
import { tellReady, untilStopped } from "./part-messages.ts";
import { readSiteConfig, type StartConfigSource } from "./start-config.ts";
import { orRefuse, parseStartFile, readStartFile } from "./start-file.ts";
import { WatchdogPulse } from "./watchdog-pulse.ts";

export interface SiteOptions extends StartConfigSource {
  /** Instead of the file's. */
  readonly logLevel?: LogLevel;
}

/** The site service until a signal. Throws `StartRefused`, having opened nothing that stays open. */
export async function runSite(options: SiteOptions): Promise<void> {
  const config = readSiteConfig(options);
  const log = createLog("site", options.logLevel ?? config.logLevel);
  const manager = openServiceManager({
    env: options.env,
    onTrouble: (detail) => log.error({ detail }, "the service manager is not told"),
  });
  const stopped = untilStopped().then(() => manager.stopping());
  const closing = new ClosingStack();
  const clock = createSystemClock({ quality: () => "trusted" });
  try {
    const url = await openBroker(config.broker, closing);
    const service = await openService(config, { url, clock, log, closing });
    const listener = await listenHttp({
      answer: createSiteApp(service, log).fetch,
      port: config.httpPort,
      variable: "POSTERN_HTTP_PORT",
    });
    closing.push(() => listener.close());
    const broker = withoutCredentials(url);
    log.info({ site: service.site, api: listener.url, broker }, "the site serves");
    tellReady({ site: listener.url, broker });
    manager.ready();
    manager.status(`serves site ${service.site} at ${listener.url}`);
    const pulse = new WatchdogPulse({ service: manager, clock, overdueMs: () => 0 });
    closing.push(() => pulse.close());
    await stopped;
  } finally {
    await closing.close();
  }
}

async function openBroker(choice: BrokerChoice, closing: ClosingStack): Promise<string> {
  if (choice.kind === "external") return choice.url;
  const broker = await startEmbeddedBroker({ host: "127.0.0.1", port: choice.port });
  closing.push(() => broker.close());
  return broker.url;
}

async function openService(
  config: SiteConfig,
  parts: {
    readonly url: string;
    readonly clock: Clock;
    readonly log: Logger;
    readonly closing: ClosingStack;
  },
): Promise<SiteService> {
  const { url, clock, log, closing } = parts;
  const { site } = parseStartFile(config.siteFile, parseSiteFile);
  const outages = new BrokerOutages(log, url);
  const link = connectMqtt({
    url,
    clientId: `postern-site-${site}`,
    clock,
    onLost: (why) => outages.lost(why),
  });
  link.onUp(() => outages.up());
  closing.push(() => link.close());
  const { stateDir } = config;
  const service = await openSiteService({ stateFolder: stateDir, site, link, clock, log });
  closing.push(() => service.close());
  if (service.applied() === undefined) applyFile(service, config.siteFile);
  return service;
}

/** The configured file is where a site begins; afterwards it is changed by `postern site apply`. */
function applyFile(service: SiteService, file: string): void {
  orRefuse(service.apply(readStartFile(file), file));
}
