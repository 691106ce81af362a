import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Aedes } from "aedes";
import { PacketGuard } from "./packet-guard.ts";
import { portRefusal } from "./start-refused.ts";

export interface EmbeddedBroker {
  /** The one given, or the one found where that was 0. */
  readonly port: number;
  readonly url: string;
  /** Ends every connection. */
  close(): Promise<void>;
}

export interface EmbeddedBrokerOptions {
  readonly host: string;
  readonly port: number;
  /** Names what chose the port, for the message when it is not to be had. */
  readonly variable?: string;
}

/** Room for the largest message, a delta of 1 MiB, and its topic. */
const packetBytesMax = 2 * 1_024 * 1_024;
const connectionsMax = 1_100;
/** The longest client identifier: a controller's id with a prefix. MQTT 3.1.1 sets no limit. */
const clientIdLengthMax = 128;

/**
 * An MQTT 3.1.1 broker in this process, for a laptop and for small sites. It asks nobody for a
 * password: nothing on it is believed without a signature, and it is bound to `host` alone. Retained
 * messages live in memory; the site publishes its tables again when it starts. Throws `StartRefused`
 * when the port is taken.
 */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const { host, port, variable = "POSTERN_MQTT_PORT" } = options;
  const aedes = await Aedes.createBroker({ maxClientsIdLength: clientIdLengthMax });
  // A client that breaks the protocol is disconnected by aedes; without a listener it would be us.
  aedes.on("clientError", () => {});
  aedes.on("connectionError", () => {});
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setNoDelay(true);
    const guard = new PacketGuard("client", packetBytesMax);
    socket.on("data", (chunk: Buffer) => {
      if (!guard.accepts(chunk)) socket.destroy();
    });
    aedes.handle(socket);
  });
  server.maxConnections = connectionsMax;
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    await new Promise<void>((resolve) => aedes.close(resolve));
    throw portRefusal({ variable, port, error });
  }
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return {
    port: address.port,
    url: `mqtt://${host}:${address.port}`,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      await new Promise<void>((resolve) => aedes.close(resolve));
    },
  };
}
