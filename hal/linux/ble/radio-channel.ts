import { Socket } from "node:net";
import type { BleService } from "../../ble.ts";
import { createSystemClock } from "../system-clock.ts";
import type { GattStack, GattStackListener } from "./gatt-stack.ts";
import { LineSplitter } from "./line-splitter.ts";
import {
  type BleDriver,
  type FromDriver,
  messageBytesMax,
  parseToDriver,
  serialiseRadioMessage,
} from "./radio-messages.ts";
import { RadioServer } from "./radio-server.ts";

/** Where `DriverProcess` has the other end. */
const channelDescriptor = 3;
/** What may wait for a parent that does not read; it would end us soon. */
const waitingBytesMax = 256 * 1_024;

/** What a driver's process is: its parent at one end, a library at the other. Called once. */
export function serveRadio(
  openStack: (
    driver: BleDriver,
    service: BleService,
    listener: GattStackListener,
  ) => Promise<GattStack>,
): void {
  const channel = new Socket({ fd: channelDescriptor });
  const splitter = new LineSplitter(messageBytesMax);
  let isOpen = false;
  const end = () => process.exit(1);
  const send = (message: FromDriver) => {
    channel.write(serialiseRadioMessage(message));
    if (channel.writableLength > waitingBytesMax) end();
  };
  const server = new RadioServer({
    clock: createSystemClock({ quality: () => "unknown" }),
    send,
    fail: (reason) => {
      send({ kind: "failed", reason });
      channel.end(end);
    },
  });
  process.on("uncaughtException", (error) => server.threw(error));
  process.on("unhandledRejection", (error) => server.threw(error));
  // Without a parent nobody would read what phones say.
  channel.on("close", end);
  channel.on("error", end);
  channel.on("data", (piece: Uint8Array) => {
    const lines = splitter.push(piece);
    if (lines === "too_long") return end();
    for (const line of lines) {
      const message = parseToDriver(line);
      if (!message.ok) return end();
      if (message.value.kind !== "open") server.take(message.value);
      else if (isOpen) return end();
      else {
        isOpen = true;
        const { driver, service } = message.value;
        void server.open((listener) => openStack(driver, service, listener));
      }
    }
  });
}
