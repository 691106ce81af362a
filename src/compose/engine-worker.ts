import { parentPort, workerData } from "node:worker_threads";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { hostEngine } from "../site/host-engine.ts";
import { openSiteEngine } from "../site/open-site-engine.ts";
import { BrokerOutages } from "./broker-outages.ts";
import type { EngineThreadOptions } from "./engine-thread.ts";
import { createLog } from "./log.ts";
import { connectMqtt } from "./mqtt-link.ts";

/*
 * The thread that makes tables, signs them and talks to the broker, so that whoever asks the site's API
 * never waits for the tables of a whole site. An error that it does not know ends it, and with it the
 * process: a service manager starts that again.
 */

if (parentPort === null) throw new Error("the site's engine runs in a worker thread only");
const port = parentPort;
const { stateFolder, site, brokerUrl, logLevel } = workerData as EngineThreadOptions;
const log = createLog("site", logLevel);
const clock = createSystemClock({ quality: () => "trusted" });
const outages = new BrokerOutages(log, brokerUrl);
const link = connectMqtt({
  url: brokerUrl,
  clientId: `postern-site-${site}`,
  clock,
  onLost: (why) => outages.lost(why),
});
link.onUp(() => outages.up());

await hostEngine({
  port: {
    say: (message) => port.postMessage(message),
    hear: (take) => void port.on("message", take),
  },
  open: (ears) => openSiteEngine({ stateFolder, site, link, clock, log }, ears),
  closed: () => link.close(),
});
port.close();
