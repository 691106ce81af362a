import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import t, { type Test } from "tap";
import { openServiceManager } from "../../hal/linux/system/service-manager.ts";
import { SimClock } from "../../hal/sim/sim-clock.ts";
import { SimServiceManager } from "../../hal/sim/sim-service-manager.ts";
import { serviceManagerConformance } from "./service-manager-conformance.ts";

t.test("a service manager that tests play", async (t) => {
  serviceManagerConformance(t, async () => {
    const service = new SimServiceManager({ clock: new SimClock(), watchdogMs: 5_000 });
    return {
      service,
      heard: async (count) =>
        service
          .heard()
          .slice(0, count)
          .map(({ said }) => (typeof said === "string" ? said : `status ${said.status}`)),
      leave: async () => undefined,
    };
  });
});

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

const words: Readonly<Record<string, string>> = {
  "READY=1": "ready",
  "WATCHDOG=1": "alive",
  "STOPPING=1": "stopping",
};

async function listenAt(t: Test, socket: string) {
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

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

function missing(): string | false {
  if (!existsSync("hal/linux/system/build/postern_system.node")) {
    return "postern_system.node is not compiled: npm run native";
  }
  return spawnSync("python3", ["--version"]).error === undefined ? false : "no python3";
}

for (const place of ["a path", "an abstract name"] as const) {
  t.test(`systemd's protocol, at ${place}`, { skip: missing() }, async (t) => {
    serviceManagerConformance(t, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "postern-notify-"));
      t.teardown(() => rmSync(folder, { recursive: true, force: true }));
      const socket = `${place === "a path" ? "" : "@"}${join(folder, "notify")}`;
      const { child, next } = await listenAt(t, socket);
      const service = openServiceManager({
        env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "5000000" },
        onTrouble: () => undefined,
      });
      return {
        service,
        heard: async (count) => {
          const heard: string[] = [];
          while (heard.length < count) {
            const line = await next();
            heard.push(words[line] ?? line.replace(/^STATUS=/, "status "));
          }
          return heard;
        },
        leave: () => end(child),
      };
    });
  });
}

/** Of the kernel's queue of one socket: its limit is a setting of the machine, mostly 512. */
const unreadMax = 100_000;

t.test(
  "a service manager that does not read holds the doors up for a moment, and says so",
  { skip: missing() },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "postern-notify-"));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const socket = join(folder, "notify");
    const { child } = await listenAt(t, socket);
    child.kill("SIGSTOP");
    const troubles: string[] = [];
    const service = openServiceManager({
      env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "5000000" },
      onTrouble: (detail) => troubles.push(detail),
    });
    for (let said = 0; said < unreadMax && troubles.length === 0; said += 1) service.alive();
    t.same(troubles, ["WATCHDOG=: EAGAIN"]);
    const before = performance.now();
    service.alive();
    // 50 ms is what is asked of the kernel; a busy machine is late.
    t.ok(performance.now() - before < 1_000, "a call that never returned would be a dead door");
  },
);
