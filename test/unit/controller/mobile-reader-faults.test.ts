import t from "tap";
import type { SimAir } from "../../../hal/sim/sim-air.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import {
  addressFailuresMax,
  addressPauseMs,
  readerFailuresMax,
} from "../../../src/core/mobile-lockout.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { privateKeyFrom, privateSeedBytes } from "../../../src/protocols/mobile-pass/p256.ts";
import { testHashKey } from "../core/sample-table.ts";
import { front, strangerBits } from "./door-rig.ts";
import { certificateOf, openMobile, phoneOn, phonePassOf, withPhones } from "./mobile-rig.ts";

function openAda(options: { readonly rssiMin?: number } = {}) {
  const clock = new SimClock();
  const ada = phoneOn(clock);
  const world = openMobile(withPhones([phonePassOf("ada-phone", "ada", ada)]), {
    clock,
    ...options,
  });
  return { ...world, ada };
}

/** Packets take 10 ms each, and something becomes of that one. */
function failingAt(index: number, what: "cut" | "vanished"): SimAir {
  let count = 0;
  return () => {
    count += 1;
    return count === index ? { kind: what } : { kind: "carried", delayMs: 10 };
  };
}

const hopsOfASession = 20;

t.test("wherever a link is lost, the amber ends and the next phone is served", async (t) => {
  for (const what of ["cut", "vanished"] as const) {
    for (let index = 1; index <= hopsOfASession; index += 1) {
      const world = openAda();
      world.radio.setAir(failingAt(index, what));
      const used = world.use(world.ada);
      await world.clock.elapse(3_000);
      world.radio.setAir(() => ({ kind: "carried", delayMs: 0 }));
      await world.clock.elapse(1_000);
      const { outcome } = await used;
      const wasGranted = world.kinds().includes("access_granted");
      // Whether it heard of it is the air's to say; that it heard of none that was none is ours.
      if (outcome === "granted") t.ok(wasGranted, `${what} at ${index}`);
      await world.clock.elapse(4_000);
      t.equal(world.led(), "red", `${what} at ${index}`);
      t.same(world.strikes(), ["secured", "secured"]);
      t.match(await world.use(world.ada), { outcome: "granted" }, `after ${what} at ${index}`);
      world.close();
    }
  }
});

t.test(
  "a phone that says nothing is dropped, and the one that waits behind it is served",
  async (t) => {
    const world = openAda();
    await world.clock.elapse(1_000);
    const central = world.radio.central({ address: "c0:00:00:00:00:99" });
    const [reader] = await central.scan({ forMs: 1, isEnough: () => true });
    if (reader === undefined) throw new Error("no reader");
    const link = await central.connect(reader, 1);
    let isGone = false;
    void link.gone.then(() => {
      isGone = true;
    });
    await world.clock.elapse(100);
    t.equal(world.led(), "amber");
    const used = world.use(world.ada);
    await world.clock.elapse(1_399);
    t.equal(isGone, false);
    await world.clock.elapse(2);
    t.equal(isGone, true);
    await world.clock.elapse(100);
    t.match(await used, { outcome: "granted" });
    t.match(world.mobile(), { faultCounts: { idle: 1 }, answerCounts: { granted: 1 } });
  },
);

t.test("whoever writes a byte now and then is gone after three seconds", async (t) => {
  const world = openAda();
  const central = world.radio.central({ address: "c0:00:00:00:00:99", mtu: 23 });
  const [reader] = await central.scan({ forMs: 1, isEnough: () => true });
  if (reader === undefined) throw new Error("no reader");
  const link = await central.connect(reader, 1);
  await link.subscribe(() => {});
  const hello = await link.readHello();
  t.ok(hello.length > 200 && hello.length <= 512);
  const from = world.clock.monotonic();
  let goneAt = 0;
  void link.gone.then(() => {
    goneAt = world.clock.monotonic();
  });
  // First of many, of this version; then the next of them, in order.
  for (let sequence = 0; goneAt === 0 && sequence < 16; sequence += 1) {
    await link.write(Uint8Array.of(frameHeader(sequence), 7)).catch(() => {});
    await world.clock.elapse(400);
  }
  t.equal(goneAt - from, 3_000);
  t.equal(world.led(), "red");
});

/** As protocols/mobile-pass says: version 1, whether it is the first, its number. */
const frameHeader = (sequence: number) => 0x40 | (sequence === 0 ? 0x20 : 0) | (sequence % 16);

t.test("a phone that is heard too weakly, or not at all, is told to try again", async (t) => {
  const world = openAda({ rssiMin: -70 });
  t.match(await world.use(world.ada, { rssi: -71 }), { outcome: "try_later" });
  t.match(await world.use(world.ada), { outcome: "try_later" }, "its radio cannot tell");
  t.same(world.strikes(), ["secured", "secured"]);
  t.same(world.kinds(), [], "nobody was judged");
  t.equal(world.led(), "red");
  t.match(world.mobile()?.faultCounts, { too_far: 2 });
  t.match(await world.use(world.ada, { rssi: -70 }), { outcome: "granted" });
});

t.test("who is too far away is not enrolled either", async (t) => {
  const world = openAda({ rssiMin: -70 });
  const told: unknown[] = [];
  const enrolment = world.controller.enrolmentAt(front.reader);
  const order = { attempt: "a", expects: "phone", forMs: 30_000, isTampered: false } as const;
  enrolment?.begin(order, (enrolled) => told.push(enrolled));
  const phone = world.phone();
  t.match(await world.use(phone, { action: "enrol", rssi: -80 }), { outcome: "try_later" });
  t.same(told, []);
  t.match(await world.use(phone, { action: "enrol", rssi: -50 }), { outcome: "enrolled" });
  t.match(told, [{ kind: "taken" }]);
});

t.test("strangers from one address are turned away for a while, and others are not", async (t) => {
  const world = openAda();
  for (let count = 0; count < addressFailuresMax; count += 1) {
    t.match(await world.use(world.phone()), { outcome: "denied" });
  }
  const eventCount = world.events.length;
  t.match(await world.use(world.phone()), { outcome: "failed" });
  t.equal(world.events.length, eventCount, "not judged, and not journalled");
  t.match(world.mobile()?.faultCounts, { paused: 1 });
  t.match(await world.use(world.ada, { address: "c0:00:00:00:00:02" }), { outcome: "granted" });
  await world.clock.elapse(addressPauseMs);
  t.match(await world.use(world.phone()), { outcome: "denied" });
});

t.test(
  "strangers without end pause the reader for phones, which is a trouble while it lasts",
  async (t) => {
    const world = openAda();
    for (let count = 0; count < readerFailuresMax; count += 1) {
      await world.use(world.phone(), { address: `c1:00:00:00:00:${count}` });
    }
    t.same(world.troubles(), ["mobile_paused:front raised"]);
    t.match(await world.use(world.ada), { outcome: "failed" });
    t.equal(world.led(), "red");
    t.match(await world.use(world.ada, { at: world.labRadio }), { outcome: "more_needed" });
    await world.clock.elapse(10_000);
    t.same(world.troubles(), ["mobile_paused:front raised", "mobile_paused:front cleared"]);
    t.match(await world.use(world.ada), { outcome: "granted" });
  },
);

t.test("without a certificate no phone sees the reader, and a trouble says so", async (t) => {
  const clock = new SimClock();
  const ada = phoneOn(clock);
  const passes = [phonePassOf("ada-phone", "ada", ada)];
  const { mobile: _, ...without } = withPhones(passes);
  const world = openMobile(without, { clock });
  t.same(world.troubles(), ["mobile_no_certificate raised"]);
  t.equal(world.radio.isAdvertising, false);
  t.equal(world.mobile()?.state, "silent");
  world.controller.setTable(buildAccessTable(withPhones(passes), testHashKey));
  t.same(world.troubles().at(-1), "mobile_no_certificate cleared");
  t.match(await world.use(ada), { outcome: "granted" });
});

t.test(
  "before the first table nobody is answered, and that is no trouble of its own",
  async (t) => {
    const world = openMobile(undefined);
    t.same(world.troubles(), []);
    t.equal(world.radio.isAdvertising, false);
  },
);

t.test("a certificate of another key is a trouble, and shown to nobody", async (t) => {
  const other = privateKeyFrom(new Uint8Array(privateSeedBytes).fill(6));
  for (const [certificate, trouble] of [
    [certificateOf(other), "mobile_certificate_of_another_key"],
    [Buffer.from("nonsense").toString("base64url"), "mobile_certificate_malformed"],
  ] as const) {
    const world = openMobile({ ...withPhones([]), mobile: { certificate } });
    t.same(world.troubles(), [`${trouble} raised`]);
    t.equal(world.radio.isAdvertising, false);
    world.controller.setTable(buildAccessTable(withPhones([]), testHashKey));
    t.same(world.troubles().at(-1), `${trouble} cleared`);
    t.equal(world.radio.isAdvertising, true);
  }
});

t.test("under another certificate of the same key a phone signs again", async (t) => {
  const world = openAda();
  await world.use(world.ada);
  await world.clock.elapse(4_000);
  const passes = [phonePassOf("ada-phone", "ada", world.ada)];
  const table = {
    ...withPhones(passes),
    mobile: { certificate: certificateOf(undefined, 1_800_000_000_000) },
  };
  world.controller.setTable(buildAccessTable(table, testHashKey));
  t.same(await world.use(world.ada), { outcome: "granted", form: "full" });
});

t.test("a radio that fails keeps no door closed, and is well again when it is back", async (t) => {
  const world = openAda();
  await world.clock.elapse(1_000);
  world.radio.setAir(() => ({ kind: "carried", delayMs: 50 }));
  const used = world.use(world.ada);
  await world.clock.elapse(120);
  t.equal(world.led(), "amber");
  world.radio.fail("driver_exited");
  await world.clock.elapse(0);
  t.same(world.troubles(), ["ble_down:front raised"]);
  t.match(world.mobile(), { state: "down", reason: "driver_exited" });
  t.match(await used, { outcome: "failed" });
  t.equal(world.led(), "red");
  world.radio.recover();
  t.same(world.troubles().at(-1), "ble_down:front cleared");
  world.radio.setAir(() => ({ kind: "carried", delayMs: 0 }));
  t.match(await world.use(world.ada), { outcome: "granted" });
});

t.test("a card stays the last unknown, whatever phones come after it", async (t) => {
  const world = openAda();
  const lastUnknown = () => world.controller.enrolmentAt(front.reader)?.lastUnknown();
  t.match(await world.use(world.phone()), { outcome: "denied" });
  t.equal(lastUnknown(), undefined);
  await world.tap(front.reader, strangerBits);
  await world.use(world.phone());
  t.equal(lastUnknown(), rawFromBits(strangerBits));
});
