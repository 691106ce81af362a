import { once } from "node:events";
import { connect } from "node:net";
import t from "tap";
import { startEmbeddedBroker } from "../../../src/compose/embedded-broker.ts";
import { bytes, text, ups, Watched, watchedLink } from "./link-conditions.ts";

const host = "127.0.0.1";

t.test("a port that is taken is refused by the name of what chose it", async (t) => {
  const first = await startEmbeddedBroker({ host, port: 0 });
  t.teardown(() => first.close());
  await t.rejects(startEmbeddedBroker({ host, port: first.port }), {
    name: "StartRefused",
    message: `port ${first.port} is taken by another process: set POSTERN_MQTT_PORT to a free port`,
  });
});

t.test(
  "a port is free again as soon as the broker is closed, with clients connected",
  async (t) => {
    const first = await startEmbeddedBroker({ host, port: 0 });
    const { happened } = watchedLink(t, { url: first.url, clientId: "door" });
    await happened.until(ups(1));
    await first.close();
    const second = await startEmbeddedBroker({ host, port: first.port });
    t.equal(second.port, first.port);
    await second.close();
  },
);

t.test("a client that talks nonsense, or too much, is cut off and the others served", async (t) => {
  const broker = await startEmbeddedBroker({ host, port: 0 });
  t.teardown(() => broker.close());
  const { link, happened } = watchedLink(t, { url: broker.url, clientId: "door" });
  await happened.until(ups(1));
  const greeting = Buffer.from("101000044d5154540402003c0004627567", "hex");
  for (const nonsense of [
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    Buffer.of(0x10, 0xff, 0xff, 0xff, 0xff),
    Buffer.of(0x82, 2, 0, 1),
    Buffer.concat([Buffer.of(0x10, greeting.length - 2), greeting.subarray(2), Buffer.of(0x36, 0)]),
    // A publish of 200,000,000 bytes.
    Buffer.of(0x30, 0x80, 0x84, 0xaf, 0x5f, 0, 1, 0x61),
  ]) {
    const socket = connect(broker.port, host);
    socket.on("error", () => {});
    socket.resume();
    socket.write(nonsense);
    await once(socket, "close");
  }
  const got = new Watched<string>();
  await link.subscribe("still/#", (_, payload) => got.tell(text(payload)));
  await link.publish("still/here", bytes("yes"), { qos: 1, retain: false });
  await got.atLeast(1);
  t.same(got.seen, ["yes"]);
});
