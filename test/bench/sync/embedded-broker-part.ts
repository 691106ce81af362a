// `embedded-broker-part.ts` plays the broker where mosquitto is not installed.
import { startEmbeddedBroker } from "../compiled/site-program.ts";
import { playPart } from "./part-process.ts";

export type EmbeddedBrokerPart = typeof part;

const part = {
  start: async (_: undefined): Promise<string> =>
    (await startEmbeddedBroker({ host: "127.0.0.1", port: 0 })).url,
};
playPart(part);
