import t from "tap";
import { SerialOutbox } from "../../../hal/lines/serial-outbox.ts";
import { serialQueuedBytesMax } from "../../../hal/serial.ts";
import { HalError } from "../../../src/domain/hal-error.ts";

t.test("a write that fails holds up no other, and its bytes wait no longer", async (t) => {
  const outbox = new SerialOutbox("/dev/serial/by-id/usb-osdp");
  const sent: number[] = [];
  const lost = outbox.write(new Uint8Array(serialQueuedBytesMax), async () => {
    throw new HalError("disconnected", "it was unplugged");
  });
  await t.rejects(lost, { message: "it was unplugged" });
  await outbox.write(new Uint8Array(serialQueuedBytesMax), async ({ length }) => {
    sent.push(length);
  });
  t.same(sent, [serialQueuedBytesMax]);
});

t.test("one byte is on the wire at a time, and each as it was when it was asked for", async (t) => {
  const outbox = new SerialOutbox("/dev/serial/by-id/usb-osdp");
  const wire: string[] = [];
  const bytes = Uint8Array.of(0);
  const writes = [1, 2, 3].map((byte) => {
    bytes[0] = byte;
    return outbox.write(bytes, async (own) => {
      wire.push(`${own[0]} begins`);
      await Promise.resolve();
      wire.push(`${own[0]} ends`);
    });
  });
  await Promise.all(writes);
  t.same(wire, ["1 begins", "1 ends", "2 begins", "2 ends", "3 begins", "3 ends"]);
});

t.test("what would wait beyond the limit is refused at once, and what waits is sent", async (t) => {
  const outbox = new SerialOutbox("/dev/serial/by-id/usb-osdp");
  let sent = 0;
  const send = async ({ length }: Uint8Array) => {
    sent += length;
  };
  const most = outbox.write(new Uint8Array(serialQueuedBytesMax), send);
  await t.rejects(outbox.write(Uint8Array.of(1), send), {
    message: /usb-osdp: 65536 bytes wait/,
  });
  await most;
  t.equal(sent, serialQueuedBytesMax);
});
