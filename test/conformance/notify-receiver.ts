import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Test } from "tap";

/** Node has no datagrams of the unix domain: python3 has, which set-up needs anyway. */
const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind("\\0" + name[1:] if name[0] == "@" else name)
print("listening", flush=True)
while True:
    print(s.recv(65536).decode().replace("\\n", ", "), flush=True)
`;

/** A socket on which a service manager listens. */
export interface NotifyReceiver {
  readonly child: ChildProcess;
  /** The next datagram, its lines joined by commas. */
  next(): Promise<string>;
}

/** `socket` as NOTIFY_SOCKET has it. */
export async function receiveWords(t: Test, socket: string): Promise<NotifyReceiver> {
  const child = spawn("python3", ["-c", receiver, socket], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const line = await lines.next();
    if (line.done === true) throw new Error("the receiver ended");
    return line.value;
  };
  t.equal(await next(), "listening");
  return { child, next };
}

/** Why there can be none here. */
export function noReceiver(): string | false {
  if (!existsSync("hal/linux/system/build/postern_system.node")) {
    return "postern_system.node is not compiled: npm run native";
  }
  return spawnSync("python3", ["--version"]).error === undefined ? false : "no python3";
}
