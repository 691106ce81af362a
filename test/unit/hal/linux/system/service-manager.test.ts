import t from "tap";
import { openServiceManager } from "../../../../../hal/linux/system/service-manager.ts";

/** A service manager whose socket takes what it is sent, or fails with the errno of its turn. */
function listening(env: Readonly<Record<string, string>> = {}) {
  const messages: string[] = [];
  const troubles: string[] = [];
  let errno = 0;
  const service = openServiceManager({
    env: { NOTIFY_SOCKET: "/run/systemd/notify", ...env },
    pid: 77,
    onTrouble: (detail) => troubles.push(detail),
    send: (socket, message) => {
      if (errno === 0) messages.push(`${socket} ${message.replaceAll("\n", ", ")}`);
      return -errno;
    },
  });
  return {
    service,
    messages,
    troubles,
    fail: (by: number) => {
      errno = by;
    },
  };
}

t.test("who was not started by a service manager tells nobody", async (t) => {
  for (const socket of [undefined, "", "/", "vsock:2:1234", "relative"]) {
    const service = openServiceManager({
      env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "5000000" },
      onTrouble: (detail) => t.fail(detail),
      send: () => {
        t.fail("nothing is sent");
        return 0;
      },
    });
    for (const word of ["ready", "alive", "stopping"] as const) service[word]();
    service.status("idle");
    t.equal(service.watchdogMs, undefined, String(socket));
  }
});

t.test("each word is one datagram of the protocol", async (t) => {
  const { service, messages } = listening();
  service.ready();
  service.status("12 doors");
  service.alive();
  service.stopping();
  t.same(messages, [
    "/run/systemd/notify READY=1",
    "/run/systemd/notify STATUS=12 doors",
    "/run/systemd/notify WATCHDOG=1",
    "/run/systemd/notify STOPPING=1",
  ]);
});

t.test("the watchdog's time is ours where it is meant for this process", async (t) => {
  const cases = [
    [{}, undefined],
    [{ WATCHDOG_USEC: "5000000" }, 5_000],
    [{ WATCHDOG_USEC: "5000000", WATCHDOG_PID: "77" }, 5_000],
    [{ WATCHDOG_USEC: "5000000", WATCHDOG_PID: "76" }, undefined],
    [{ WATCHDOG_USEC: "0" }, undefined],
    [{ WATCHDOG_USEC: "-1" }, undefined],
    [{ WATCHDOG_USEC: "soon" }, undefined],
    [{ WATCHDOG_USEC: "18446744073709551615" }, undefined],
  ] as const;
  for (const [env, ms] of cases) {
    t.equal(listening(env).service.watchdogMs, ms, JSON.stringify(env));
  }
});

t.test("what did not get through is said again, but an old sign of life is not", async (t) => {
  const { service, messages, troubles, fail } = listening();
  fail(11);
  service.alive();
  service.ready();
  service.status("12 doors");
  t.same(troubles, ["WATCHDOG=: EAGAIN", "READY=: EAGAIN", "STATUS=: EAGAIN"]);
  fail(0);
  service.stopping();
  service.alive();
  t.same(messages, [
    "/run/systemd/notify READY=1, STATUS=12 doors, STOPPING=1",
    "/run/systemd/notify WATCHDOG=1",
  ]);
});

t.test("a status cannot say a word of the protocol, and ends", async (t) => {
  const { service, messages } = listening();
  service.status(`idle\nREADY=1\r\0x${"y".repeat(5_000)}`);
  t.equal(messages.length, 1);
  t.match(messages[0], /^\/run\/systemd\/notify STATUS=idle READY=1 x[y]{186}$/);
});
