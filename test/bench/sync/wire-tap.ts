import { connectAsync, type MqttClient } from "mqtt";
import { siteName } from "./site-text.ts";

/** One PUBLISH as the broker sent it, all of it: header, topic, packet identifier, payload. */
export interface TappedPacket {
  readonly topic: string;
  readonly bytes: number;
}

/** A subscriber to everything of the site, at the quality of service that controllers have. */
export class WireTap {
  readonly #client: MqttClient;
  #packets: TappedPacket[] = [];

  static async open(brokerUrl: string): Promise<WireTap> {
    const client = await connectAsync(brokerUrl, { protocolVersion: 4, clean: true });
    const tap = new WireTap(client);
    await client.subscribeAsync(`postern/1/${siteName}/#`, { qos: 1 });
    return tap;
  }

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on("packetreceive", (packet) => {
      if (packet.cmd !== "publish") return;
      const { topic, length = 0 } = packet;
      this.#packets.push({ topic, bytes: 1 + lengthBytes(length) + length });
    });
  }

  /** What came since this was asked last. */
  take(): readonly TappedPacket[] {
    const taken = this.#packets;
    this.#packets = [];
    return taken;
  }

  async close(): Promise<void> {
    await this.#client.endAsync();
  }
}

/** MQTT 3.1.1, 2.2.3: seven bits of the remaining length to a byte. */
function lengthBytes(remainingLength: number): number {
  return Math.max(1, Math.ceil(Math.log2(remainingLength + 1) / 7));
}
