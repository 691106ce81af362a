import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { portRefusal } from "./start-refused.ts";

export interface HttpListener {
  readonly url: string;
  /** Ends every connection: a client that reads a stream must not hold up a stop. */
  close(): Promise<void>;
}

const loopback = "127.0.0.1";

/** A client that dribbles must not keep others out: so long it may take to say what it wants. */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
};

/** Further ones are refused. */
const connectionsMax = 1_024;

/** Serves `answer` on loopback. Throws `StartRefused` naming `variable` when the port is not to be had. */
export async function listenHttp(options: {
  /** `address`: the client's. */
  readonly answer: (request: Request, address: string) => Response | Promise<Response>;
  readonly port: number;
  readonly variable: string;
}): Promise<HttpListener> {
  const { port, variable } = options;
  const answer = getRequestListener((request, { incoming }) =>
    options.answer(request, incoming.socket.remoteAddress ?? "unknown"),
  );
  // Owned by itself: what a request fails with, it answers.
  const server = createServer(limits, (request, response) => void answer(request, response));
  server.maxConnections = connectionsMax;
  server.listen(port, loopback);
  try {
    await once(server, "listening");
  } catch (error) {
    throw portRefusal({ variable, port, error });
  }
  return { url: `http://${loopback}:${boundPort(server)}`, close: () => closeServer(server) };
}

function boundPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return address.port;
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
