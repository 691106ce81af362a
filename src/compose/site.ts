import { openServiceManager } from "../../hal/linux/system/service-manager.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { ClosingStack } from "./closing-stack.ts";
import { withoutCredentials } from "./config/broker-url.ts";
import type { LogLevel } from "./config/config-file.ts";
import type { BrokerChoice } from "./config/site-config.ts";
import { startEmbeddedBroker } from "./embedded-broker.ts";
import { EngineSilence } from "./engine-silence.ts";
import { listenHttp } from "./http-listener.ts";
import { createLog } from "./log.ts";
import { openSite } from "./open-site.ts";
import { tellReady, untilStopped } from "./part-messages.ts";
import { readSiteConfig, type StartConfigSource } from "./start-config.ts";
import { WatchdogPulse } from "./watchdog-pulse.ts";

export interface SiteOptions extends StartConfigSource {
  /** Instead of the file's. */
  readonly logLevel?: LogLevel;
}

/** The site service until a signal. Throws `StartRefused`, having opened nothing that stays open. */
export async function runSite(options: SiteOptions): Promise<void> {
  const config = readSiteConfig(options);
  const logLevel = options.logLevel ?? config.logLevel;
  const log = createLog("site", logLevel);
  const manager = openServiceManager({
    env: options.env,
    onTrouble: (detail) => log.error({ detail }, "the service manager is not told"),
  });
  const stopped = untilStopped().then(() => manager.stopping());
  const closing = new ClosingStack();
  const clock = createSystemClock({ quality: () => "trusted" });
  try {
    const url = await openBroker(config.broker, closing);
    const { site, app, engine, died } = await openSite(config, {
      brokerUrl: url,
      databaseUrl: options.env["DATABASE_URL"],
      clock,
      log,
      logLevel,
      closing,
    });
    const listener = await listenHttp({
      answer: app.answer,
      port: config.httpPort,
      variable: "POSTERN_HTTP_PORT",
    });
    closing.push(() => listener.close());
    const broker = withoutCredentials(url);
    log.info({ site, api: listener.url, broker }, "the site serves");
    tellReady({ site: listener.url, broker });
    manager.ready();
    manager.status(`serves site ${site} at ${listener.url}`);
    const silence = new EngineSilence({ engine, clock, log });
    closing.push(() => silence.close());
    const overdueMs = () => silence.overdueMs();
    const pulse = new WatchdogPulse({ service: manager, clock, overdueMs });
    closing.push(() => pulse.close());
    await Promise.race([stopped, died]);
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
