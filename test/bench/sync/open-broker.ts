import { createMosquitto, mosquittoMissing } from "../../e2e/brokers.ts";
import type { EmbeddedBrokerPart } from "./embedded-broker-part.ts";
import { PartProcess } from "./part-process.ts";

export interface BenchBroker {
  readonly kind: "mosquitto" | "the embedded broker";
  readonly url: string;
  end(): Promise<void>;
}

/** A real broker in a process of its own: mosquitto where it is installed, else the program's own. */
export async function openBroker(): Promise<BenchBroker> {
  if (mosquittoMissing() === undefined) {
    const broker = await createMosquitto();
    await broker.start();
    return { kind: "mosquitto", url: broker.url, end: () => broker.remove() };
  }
  const script = new URL("./embedded-broker-part.ts", import.meta.url);
  const part = new PartProcess<EmbeddedBrokerPart>(script, []);
  const url = await part.ask("start", undefined);
  return { kind: "the embedded broker", url, end: () => part.end() };
}
