import { randomBytes } from "node:crypto";
import fc from "fast-check";
import t from "tap";
import { LineSplitter } from "../../../../../hal/linux/ble/line-splitter.ts";
import {
  type FromDriver,
  messageBytesMax,
  parseFromDriver,
  parseToDriver,
  serialiseRadioMessage,
  type ToDriver,
} from "../../../../../hal/linux/ble/radio-messages.ts";
import { mobilePassService } from "../../../../../src/protocols/mobile-pass/gatt.ts";
import { checkProperty } from "../../../core/property.ts";

const attribute = randomBytes(512);
const address = "c0:ff:ee:00:00:01";

const fromDriver: readonly FromDriver[] = [
  { kind: "powered" },
  { kind: "advertising" },
  { kind: "silent" },
  { kind: "connected", link: 1, address },
  { kind: "subscribed", link: 1, frameBytesMax: 20 },
  { kind: "subscribed", link: 1, frameBytesMax: 509 },
  { kind: "written", link: 1, bytes: attribute },
  { kind: "heard", link: 1, rssi: -127 },
  { kind: "disconnected", link: 9 },
  { kind: "alive" },
  { kind: "failed", reason: "not_supported" },
];

const toDriver: readonly ToDriver[] = [
  { kind: "open", driver: "stoprocent", service: { ...mobilePassService } },
  { kind: "advertise", wanted: "off" },
  { kind: "hello", link: 3, bytes: attribute },
  { kind: "notify", link: 3, bytes: attribute.subarray(0, 509) },
  { kind: "disconnect", link: 3 },
  { kind: "ask" },
];

t.test("every message comes through as it was, in one line of bounded length", async (t) => {
  for (const message of [...fromDriver, ...toDriver]) {
    const text = serialiseRadioMessage(message);
    t.ok(text.endsWith("\n") && text.indexOf("\n") === text.length - 1, message.kind);
    t.ok(text.length <= messageBytesMax);
  }
  for (const message of fromDriver) {
    const parsed = parseFromDriver(serialiseRadioMessage(message));
    t.same(parsed, { ok: true, value: plain(message) }, message.kind);
  }
  for (const message of toDriver) {
    const parsed = parseToDriver(serialiseRadioMessage(message));
    t.same(parsed, { ok: true, value: plain(message) }, message.kind);
  }
});

/** A Buffer is what a library gives, and bytes are what comes out. */
function plain<Message extends FromDriver | ToDriver>(message: Message): Message {
  return "bytes" in message ? { ...message, bytes: Uint8Array.from(message.bytes) } : message;
}

t.test("what a driver may not say is no message", async (t) => {
  const written = (bytes: Uint8Array) => ({
    kind: "written",
    link: 1,
    bytes: Buffer.from(bytes).toString("base64"),
  });
  for (const said of [
    ...[null, 5, [], {}, "powered", { kind: "open" }, { kind: "ask" }, { kind: "powered", a: 1 }],
    ...[0, -1, 1.5, 2 ** 53, "1", null].map((link) => ({ kind: "disconnected", link })),
    { kind: "disconnected" },
    ...["", "c0:ff:ee:00:00", "C0:FF:EE:00:00:01", `${address}:02`, `${address}\n`, 5].map(
      (bad) => ({ kind: "connected", link: 1, address: bad }),
    ),
    ...[19, 510, 20.5, "20"].map((frameBytesMax) => ({
      kind: "subscribed",
      link: 1,
      frameBytesMax,
    })),
    ...[written(new Uint8Array(0)), written(new Uint8Array(513))],
    ...["AA", "A===", "AAA*", 5, null].map((bytes) => ({ kind: "written", link: 1, bytes })),
    ...[-128, 21, 0.5].map((rssi) => ({ kind: "heard", link: 1, rssi })),
    { kind: "failed", reason: "because" },
  ]) {
    t.same(parseFromDriver(JSON.stringify(said)), { ok: false, fault: "malformed" });
  }
});

t.test("no line makes either end throw", async (t) => {
  const lines = fc.oneof(fc.string(), fc.json(), fc.constantFrom(...fromDriver).map(String));
  const fromLine = fc.property(lines, (line) => {
    const parsed = parseFromDriver(line);
    return !parsed.ok || parseFromDriver(serialiseRadioMessage(parsed.value)).ok;
  });
  checkProperty(t, 500, fromLine);
  const toLine = fc.property(lines, (line) => {
    const parsed = parseToDriver(line);
    return !parsed.ok || parseToDriver(serialiseRadioMessage(parsed.value)).ok;
  });
  checkProperty(t, 500, toLine);
});

t.test("lines come out whole, however they are cut up on their way", async (t) => {
  const lines = ["", "a", "päß", "x".repeat(40)];
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  for (let size = 1; size <= bytes.length; size += 1) {
    const splitter = new LineSplitter(40);
    const got: string[] = [];
    for (let from = 0; from < bytes.length; from += size) {
      const some = splitter.push(bytes.subarray(from, from + size));
      got.push(...(some === "too_long" ? [some] : some));
    }
    if (JSON.stringify(got) !== JSON.stringify(lines)) t.fail(`in pieces of ${size}`);
  }
  t.pass();
});

t.test("a line that is too long is told before it is whole", async (t) => {
  t.equal(new LineSplitter(4).push(Buffer.from("12345\n")), "too_long");
  t.equal(new LineSplitter(4).push(Buffer.from("12345")), "too_long");
  const splitter = new LineSplitter(4);
  t.same(splitter.push(Buffer.from("1234\n123")), ["1234"]);
  t.equal(splitter.push(Buffer.from("45")), "too_long");
});
