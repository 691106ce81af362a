// A driver's process whose library and adapter are a test: what `ble-fake-air.ts` asks, over the socket
// that its argument names, is what phones and a broken adapter do.
import { writeSync } from "node:fs";
import { createConnection } from "node:net";
import { createInterface } from "node:readline";
import type { GattStackListener } from "../../hal/linux/ble/gatt-stack.ts";
import { serveRadio } from "../../hal/linux/ble/radio-channel.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import type { FakeAnswer, FakeAsk } from "./ble-fake-air.ts";

const parentDescriptor = 3;
const answerMs = 8;
const air = createConnection(process.argv[2] ?? "");
const tell = (answer: FakeAnswer) => air.write(`${JSON.stringify(answer)}\n`);
air.on("error", () => process.exit(1));
tell({ is: "driving", adapter: Number(process.env["BLENO_HCI_DEVICE_ID"]) });

let listener: GattStackListener | undefined;
let isConnected = false;
let isMute = false;

function leave(): void {
  if (!isConnected) return;
  isConnected = false;
  tell({ is: "gone" });
  listener?.disconnected();
}

function sayToParent(text: string): void {
  try {
    writeSync(parentDescriptor, text);
  } catch {
    // Its end of the pipe is full, or it has shut it.
  }
}

function misbehave(how: Extract<FakeAsk, { readonly do: "misbehave" }>["how"]): void {
  if (how === "crash") process.kill(process.pid, "SIGKILL");
  if (how === "garble") sayToParent('{"kind":"connected"}\n');
  if (how === "endless_line") sayToParent("x".repeat(5_000));
  if (how === "stranger") sayToParent('{"kind":"disconnected","link":77}\n');
  if (how === "second_phone") {
    sayToParent('{"kind":"connected","link":78,"address":"00:00:00:00:00:01"}\n');
  }
  if (how === "linger") sayToParent('{"kind":"failed","reason":"driver_failed"}\n');
  if (how === "mute") isMute = true;
  if (how === "throw") throw new RangeError("a request that is cut short");
  if (how === "hang") for (;;);
  if (how === "flood") for (;;) sayToParent('{"kind":"alive"}\n');
}

function obey(ask: FakeAsk): void {
  switch (ask.do) {
    case "connect":
      isConnected = true;
      return listener?.connected(ask.address);
    case "read":
      return listener?.read(ask.offset, (value) => {
        const bytes = value === "invalid_offset" ? null : Buffer.from(value).toString("base64");
        tell({ is: "value", bytes });
      });
    case "subscribe":
      listener?.subscribed(ask.frameBytesMax, (frame) => {
        tell({ is: "frame", bytes: Buffer.from(frame).toString("base64") });
      });
      return void tell({ is: "subscribed" });
    case "write": {
      const isTaken = listener?.written(Buffer.from(ask.bytes, "base64")) === true;
      return void tell({ is: "taken", isTaken });
    }
    case "leave":
      return leave();
    case "misbehave":
      return misbehave(ask.how);
  }
}

createInterface({ input: air }).on("line", (line) => obey(JSON.parse(line) as FakeAsk));

serveRadio(async (_, __, own) => {
  listener = own;
  const clock = createSystemClock({ quality: () => "unknown" });
  // As long as a real one takes; quicker, a thousand phones a second would be taken for a flood.
  const answer = (what: "started" | "stopped") => {
    if (isMute) return;
    clock.alarm(monotonicMs(clock.monotonic() + answerMs), () => {
      tell({ is: "advertising", isOn: what === "started" });
      own.advertising(what);
    });
  };
  setImmediate(() => own.powered());
  return {
    advertise: () => answer("started"),
    silence: () => answer("stopped"),
    disconnect: () => setImmediate(leave),
    askRssi: () => own.heard(-42),
  };
});
