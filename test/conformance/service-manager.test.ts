import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { openServiceManager } from "../../hal/linux/system/service-manager.ts";
import { SimClock } from "../../hal/sim/sim-clock.ts";
import { SimServiceManager } from "../../hal/sim/sim-service-manager.ts";
import { noReceiver, receiveWords } from "./notify-receiver.ts";
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

const words: Readonly<Record<string, string>> = {
  "READY=1": "ready",
  "WATCHDOG=1": "alive",
  "STOPPING=1": "stopping",
};

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

for (const place of ["a path", "an abstract name"] as const) {
  t.test(`systemd's protocol, at ${place}`, { skip: noReceiver() }, async (t) => {
    serviceManagerConformance(t, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "postern-notify-"));
      t.teardown(() => rmSync(folder, { recursive: true, force: true }));
      const socket = `${place === "a path" ? "" : "@"}${join(folder, "notify")}`;
      const { child, next } = await receiveWords(t, socket);
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
  { skip: noReceiver() },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "postern-notify-"));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const socket = join(folder, "notify");
    const { child } = await receiveWords(t, socket);
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
