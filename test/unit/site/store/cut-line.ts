import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Test } from "tap";

/** What goes on the line between a site service and its PostgreSQL server, in a test's hand. */
export interface CutLine {
  /** In place of the server's own. */
  readonly folder: string;
  /** Ends what is connected on the client's side alone, as a router that is switched off does. */
  cut(): void;
  /**
   * From the first question that says `text`, the client hears nothing any more. Resolves once the
   * server has answered it.
   */
  deafFrom(text: string): Promise<void>;
}

const socketName = ".s.PGSQL.5432";

export async function layLine(
  t: Test,
  ends: { readonly folder: string; readonly server: string },
): Promise<CutLine> {
  const clients = new Set<Socket>();
  const servers = new Set<Socket>();
  let awaited: { readonly text: string; readonly answered: () => void } | undefined;
  const listener = createServer((client) => {
    const server = connect(join(ends.server, socketName));
    clients.add(client);
    servers.add(server);
    let answered: (() => void) | undefined;
    client.on("data", (bytes) => {
      if (awaited !== undefined && bytes.includes(awaited.text)) ({ answered } = awaited);
      server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (answered === undefined) client.write(bytes);
      else answered();
    });
    for (const socket of [client, server]) socket.on("error", () => undefined);
    // And not the other way round: the server goes on waiting for a client that is gone.
    server.on("close", () => client.destroy());
  });
  listener.listen(join(ends.folder, socketName));
  await once(listener, "listening");
  t.teardown(() => {
    for (const socket of [...clients, ...servers]) socket.destroy();
    listener.close();
  });
  return {
    folder: ends.folder,
    cut() {
      for (const client of clients) client.destroy();
      clients.clear();
      awaited = undefined;
    },
    deafFrom: (text) =>
      new Promise((resolve) => {
        awaited = { text, answered: resolve };
      }),
  };
}
