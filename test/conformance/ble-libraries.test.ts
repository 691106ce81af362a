import t from "tap";
import { openBleno } from "../../hal/linux/ble/bleno-stack.ts";
import {
  bleDrivers,
  type FromDriver,
  type RadioFailure,
} from "../../hal/linux/ble/radio-messages.ts";
import { RadioServer } from "../../hal/linux/ble/radio-server.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { mobilePassService } from "../../src/protocols/mobile-pass/gatt.ts";
import { FakeController } from "./ble-fake-controller.ts";

// As a driver's process has it.
process.env["HCI_CHANNEL_USER"] = "1";
process.env["BLENO_HCI_DEVICE_ID"] = "0";

const clock = createSystemClock({ quality: () => "unknown" });
const word = (value: number) => [value & 0xff, value >> 8];

/** ATT (Core Specification, Vol 3, Part F, 3.4). */
const att = {
  error: 0x01,
  mtu: 0x02,
  readByType: 0x08,
  read: 0x0a,
  readBlob: 0x0c,
  write: 0x12,
  notification: 0x1b,
};

for (const driver of bleDrivers) {
  t.test(`a reader by @${driver}/bleno, over a controller that is a test`, async (t) => {
    const said: FromDriver[] = [];
    const failures: RadioFailure[] = [];
    let thrownCount = 0;
    const controller = new FakeController((error) => {
      thrownCount += 1;
      server.threw(error);
    });
    const server: RadioServer = new RadioServer({
      clock,
      send: (message) => said.push(message),
      fail: (reason) => failures.push(reason),
    });
    controller.replaceSocket(driver);
    await server.open((listener) => openBleno(driver, { ...mobilePassService }, listener));
    server.take({ kind: "advertise", wanted: "on" });
    const kinds = () => said.splice(0).map(({ kind }) => kind);
    const heard = (kind: FromDriver["kind"]) =>
      controller.until(() => said.some((one) => one.kind === kind));
    const comes = async (handle = 64) => {
      await controller.until(() => controller.isSeen);
      said.splice(0);
      controller.phoneComes(handle);
      await heard("connected");
      const event = said.find((one) => one.kind === "connected");
      return event?.kind === "connected" ? event : { link: 0, address: "" };
    };
    /** The handles of the values of our three characteristics. */
    const discover = async () => {
      await controller.ask(att.mtu, ...word(517));
      const found = new Map<string, number>();
      for (let start = 1; ; ) {
        const answer = await controller.ask(
          att.readByType,
          ...word(start),
          ...word(0xffff),
          ...word(0x2803),
        );
        if (answer[0] === att.error) return found;
        const size = answer[1] ?? 0;
        for (let at = 2; at < answer.length; at += size) {
          const uuid = answer.subarray(at + 5, at + size).reverse();
          found.set(uuid.toString("hex"), answer.readUInt16LE(at + 3));
          start = answer.readUInt16LE(at + 3) + 1;
        }
      }
    };

    await t.test("comes up, and is seen", async (t) => {
      await heard("advertising");
      t.same(kinds(), ["powered", "advertising"]);
      t.ok(controller.isSeen);
    });

    await t.test("takes a phone from its hello to its last frame", async (t) => {
      const { link, address } = await comes();
      t.equal(address, "ff:ee:00:00:00:01");
      await controller.until(() => !controller.isSeen);
      const handles = await discover();
      const hello = handles.get(mobilePassService.hello) ?? 0;
      const pass = handles.get(mobilePassService.pass) ?? 0;
      const result = handles.get(mobilePassService.result) ?? 0;
      t.ok(hello > 0 && pass > hello && result > pass);

      const bytes = Uint8Array.from({ length: 512 }, (_, index) => index & 0xff);
      const first = controller.ask(att.read, ...word(hello));
      server.take({ kind: "hello", link, bytes });
      const pieces = [(await first).subarray(1)];
      while (pieces.at(-1)?.length === 255) {
        const offset = Buffer.concat(pieces).length;
        pieces.push(
          (await controller.ask(att.readBlob, ...word(hello), ...word(offset))).subarray(1),
        );
      }
      t.ok(Buffer.concat(pieces).equals(bytes));
      const beyond = await controller.ask(att.readBlob, ...word(hello), ...word(513));
      t.equal(beyond[0], att.error);

      t.same([...(await controller.ask(att.write, ...word(pass), 7, 8, 9))], [att.write + 1]);
      t.same([...(await controller.ask(att.write, ...word(result + 1), 1, 0))], [att.write + 1]);
      t.equal((await controller.ask(att.write, ...word(hello), 1))[0], att.error);
      const before = controller.toPhone.length;
      server.take({ kind: "notify", link, bytes: Uint8Array.of(1, 2, 3) });
      server.take({ kind: "disconnect", link });
      await heard("disconnected");
      t.same([...(controller.toPhone[before] ?? [])], [att.notification, ...word(result), 1, 2, 3]);
      t.match(
        said.filter(({ kind }) => kind === "written" || kind === "subscribed"),
        [
          { kind: "written", link, bytes: Buffer.of(7, 8, 9) },
          { kind: "subscribed", link, frameBytesMax: 253 },
        ],
      );
      const rssi = said.find(({ kind }) => kind === "heard");
      if (driver === "abandonware") t.match(rssi, { link, rssi: -55 });
      else t.equal(rssi, undefined, "it cannot tell");
    });

    await t.test("is seen again after each of 200 phones, however they leave", async (t) => {
      for (let count = 0; count < 200; count += 1) {
        // Some controllers count from 0.
        const { link } = await comes(count % 3 === 0 ? 0 : 64 + count);
        if (count % 2 === 0) controller.phoneGoes();
        else server.take({ kind: "disconnect", link });
        await heard("disconnected");
      }
      await controller.until(() => controller.isSeen);
      t.same(failures, []);
      // Closing one holds @stoprocent/bleno up for a second, after each phone.
      t.ok(controller.keySocketCount <= 1, `${controller.keySocketCount} sockets for keys`);
    });

    await t.test("can be silenced right after a phone has gone", async (t) => {
      await comes();
      controller.phoneGoes();
      await heard("disconnected");
      said.splice(0);
      server.take({ kind: "advertise", wanted: "off" });
      await heard("silent");
      t.notOk(controller.isSeen);
      server.take({ kind: "advertise", wanted: "on" });
      await heard("advertising");
      t.ok(controller.isSeen);
    });

    await t.test(
      "outlives requests that are cut short, which cost that phone its link",
      async (t) => {
        for (const pdu of [
          [att.mtu],
          [att.read],
          [att.readByType, 1],
          [att.write, 1],
          [],
          [0xff],
        ]) {
          const { link } = await comes();
          await discover();
          controller.att(...pdu);
          // One that it can answer, or not: it may still be there.
          server.take({ kind: "disconnect", link });
          await heard("disconnected");
        }
        await controller.until(() => controller.isSeen);
        t.same(failures, []);
        t.ok(thrownCount >= 3, `it threw at ${thrownCount} of them`);
      },
    );

    await t.test("fails when the controller says nonsense and no phone is there", async (t) => {
      controller.tell([4, 0x0e, 1, 1]);
      await controller.until(() => failures.length > 0);
      t.same(failures, ["driver_failed"]);
    });
  });
}
