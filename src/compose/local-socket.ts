import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { StartRefused } from "./start-refused.ts";

/** `sockaddr_un` has room for this much of a path. */
const socketPathBytesMax = 107;

/**
 * Listens on a socket that only its owner may open, in a folder that is the owner's. It is also what
 * keeps a second daemon from the same state folder: throws `StartRefused` while one answers there.
 */
export async function listenLocal(
  file: string,
  onConnection: (socket: Socket) => void,
): Promise<{ close(): Promise<void> }> {
  if (Buffer.byteLength(file) > socketPathBytesMax) {
    throw new StartRefused(
      `${file}: a socket's path has at most ${socketPathBytesMax} bytes; choose a shorter ` +
        "POSTERN_STATE_DIR, or set socket_file",
    );
  }
  if (await answers(file)) {
    throw new StartRefused(`${file}: another controller is running on this state folder`);
  }
  // Left by one that was killed: nobody answers there, and it would keep us from listening.
  rmSync(file, { force: true });
  // A client may end its side before it reads the answer.
  const server = createServer({ allowHalfOpen: true }, onConnection);
  server.listen(file);
  await once(server, "listening");
  chmodSync(file, 0o600);
  return { close: () => closeServer(server) };
}

function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  await closed;
}
