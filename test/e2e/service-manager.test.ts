import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { noReceiver, receiveWords } from "../conformance/notify-receiver.ts";
import { ada, createStack, eventually, startPostern } from "./stack.ts";

t.test(
  "a service manager hears that the doors are served, again and again, and that they stop",
  { skip: noReceiver() },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "postern-notify-"));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const socket = join(folder, "notify");
    const { next } = await receiveWords(t, socket);
    const stack = await createStack({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: "1000000" });
    t.teardown(() => stack.remove());
    await stack.start();
    t.equal(await next(), "READY=1");
    t.equal(await next(), "STATUS=serves front, lab");
    for (let pulse = 0; pulse < 8; pulse += 1) t.equal(await next(), "WATCHDOG=1");

    await stack.post("/sim/readers/front/card", ada);
    await eventually("the strike is released", async () => {
      return (await stack.board()).doors["front"]?.strike === "released" || undefined;
    });
    const stopping = stack.stop();
    let word = await next();
    while (word === "WATCHDOG=1") word = await next();
    t.equal(word, "STOPPING=1");
    t.equal(await stopping, 0);
  },
);

t.test(
  "it hears of a site alone that it serves, that it is not stuck, and that it stops",
  {
    skip: noReceiver(),
  },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "postern-notify-"));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const socket = join(folder, "notify");
    const { next } = await receiveWords(t, socket);
    const stack = await createStack({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: "1000000" });
    t.teardown(() => stack.remove());
    const site = startPostern(["site"], stack.env);
    t.teardown(() => site.kill("SIGKILL"));
    t.equal(await next(), "READY=1");
    t.ok((await fetch(`${stack.siteUrl}/health`)).ok, "when it says so, it answers");
    t.equal(await next(), `STATUS=serves site demo at ${stack.siteUrl}`);
    for (let pulse = 0; pulse < 8; pulse += 1) t.equal(await next(), "WATCHDOG=1");
    const gone = once(site, "exit");
    site.kill("SIGTERM");
    let word = await next();
    while (word === "WATCHDOG=1") word = await next();
    t.equal(word, "STOPPING=1");
    t.same(await gone, [0, null]);
  },
);
