import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import { settlesWithin } from "../../controller/settles-within.ts";
import { withoutCredentials } from "../config/broker-url.ts";
import { connectMqtt } from "../mqtt-link.ts";
import { type Finding, ok, warn } from "./finding.ts";
import type { CheckUpSubject } from "./subject.ts";

const answerMsMax = 5_000;

/** Never a failure: doors decide without a broker, and what they have to say waits on the disk. */
export async function checkBroker({ config, status }: CheckUpSubject): Promise<readonly Finding[]> {
  const check = "broker";
  if ("refused" in config) {
    return [warn(check, "the configuration does not say which", "see configuration")];
  }
  const { mqttUrl } = config.value;
  const shown = withoutCredentials(mqttUrl);
  if ("value" in status && status.value.link === "up") {
    return [ok(check, `the controller is connected to ${shown}`)];
  }
  // With a name of its own: under the controller's, the broker would send that away.
  const clientId = `postern-doctor-${process.pid}`;
  const clock = createSystemClock({ quality: () => "unknown" });
  let why = `it did not answer in ${answerMsMax / 1_000} s`;
  let isUp = false;
  let link: ReturnType<typeof connectMqtt> | undefined;
  const answered = new Promise<void>((resolve) => {
    const onLost = (reason: string) => {
      why = reason;
      resolve();
    };
    link = connectMqtt({ url: mqttUrl, clientId, clock, onLost });
    link.onUp(() => {
      isUp = true;
      resolve();
    });
  });
  await settlesWithin(clock, answerMsMax, answered);
  await link?.close();
  if (isUp) return [ok(check, `${shown} answers`)];
  const fix = "is it running, and is the network between? Doors work without, and events wait";
  return [warn(check, `${shown}: ${why}`, fix)];
}
