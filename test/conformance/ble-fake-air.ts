import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { BleCentral, CentralLink } from "../../hal/ble-central.ts";
import type { DriverProgram } from "../../hal/linux/ble/driver-process.ts";
import { HalError } from "../../src/domain/hal-error.ts";

/** What a fake driver is asked, a line of JSON each. Bytes are base64. */
export type FakeAsk =
  | { readonly do: "connect"; readonly address: string }
  | { readonly do: "read"; readonly offset: number }
  | { readonly do: "subscribe"; readonly frameBytesMax: number }
  | { readonly do: "write"; readonly bytes: string }
  | { readonly do: "leave" }
  | { readonly do: "misbehave"; readonly how: FakeFault };

export type FakeFault =
  | "crash"
  | "hang"
  | "flood"
  | "garble"
  | "endless_line"
  | "stranger"
  | "second_phone"
  | "linger"
  | "mute"
  | "throw";

export type FakeAnswer =
  | { readonly is: "driving"; readonly adapter: number }
  | { readonly is: "advertising"; readonly isOn: boolean }
  | { readonly is: "value"; readonly bytes: string | null }
  | { readonly is: "subscribed" }
  | { readonly is: "frame"; readonly bytes: string }
  | { readonly is: "taken"; readonly isTaken: boolean }
  | { readonly is: "gone" };

const mtu = 100;
const frameBytesMax = mtu - 3;

/** The air around fake drivers: they come here when they start, and a phone reaches the latest. */
export class FakeAir {
  readonly #folder = mkdtempSync(join(tmpdir(), "postern-air-"));
  readonly #server = createServer((socket) => this.#come(socket));
  #driver: Socket | undefined;
  #isSeen = false;
  #seers: (() => void)[] = [];
  #phone: ((answer: FakeAnswer) => void) | undefined;
  /** How many drivers have come, and how often one was told to be seen. */
  driverCount = 0;
  /** Of which adapter the latest is. */
  adapter: number | undefined;
  seenCount = 0;

  async open(): Promise<void> {
    mkdirSync(this.classFolder);
    this.plug("in");
    await once(this.#server.listen(join(this.#folder, "air")), "listening");
  }

  async close(): Promise<void> {
    this.#driver?.destroy();
    this.#server.close();
    await once(this.#server, "close");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get classFolder(): string {
    return join(this.#folder, "class");
  }

  get program(): DriverProgram {
    return {
      file: fileURLToPath(new URL("./ble-fake-driver.ts", import.meta.url)),
      flags: ["--import", import.meta.resolve("tsx")],
      args: [join(this.#folder, "air")],
    };
  }

  /** Resolves when the latest driver's process has ended. */
  async driverLeft(): Promise<void> {
    if (this.#driver !== undefined) await once(this.#driver, "close");
  }

  /** Into a socket, 1-1.2 where not said, as `hciN`; or out of it. */
  plug(way: "in" | "out", { number = 0, socket = "1-1.2" } = {}): void {
    const device = join(this.#folder, `devices/usb1/1-1/${socket}/${socket}:1.0/bluetooth`);
    const adapter = join(device, `hci${number}`);
    const link = join(this.classFolder, `hci${number}`);
    if (way === "in") {
      mkdirSync(adapter, { recursive: true });
      symlinkSync(adapter, link);
    } else {
      rmSync(link);
      rmSync(adapter, { recursive: true });
    }
  }

  misbehave(how: FakeFault): void {
    this.ask({ do: "misbehave", how });
  }

  ask(ask: FakeAsk): void {
    this.#driver?.write(`${JSON.stringify(ask)}\n`);
  }

  central(): BleCentral {
    return {
      scan: async ({ forMs }) => {
        const isSeen = await Promise.race([
          this.seen().then(() => true),
          new Promise<boolean>((resolve) => {
            AbortSignal.timeout(forMs).addEventListener("abort", () => resolve(false));
          }),
        ]);
        return isSeen ? [{ id: "fake", rssi: -42 }] : [];
      },
      connect: async () => {
        await this.seen();
        return this.#connect();
      },
      close: async () => undefined,
    };
  }

  /** Resolves when a driver advertises. */
  seen(): Promise<void> {
    if (this.#isSeen) return Promise.resolve();
    return new Promise((resolve) => this.#seers.push(resolve));
  }

  #come(socket: Socket): void {
    this.driverCount += 1;
    this.#driver = socket;
    this.#isSeen = false;
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (this.#driver !== socket) return;
      this.#isSeen = false;
      this.#phone?.({ is: "gone" });
    });
    const lines = createInterface({ input: socket });
    // Of the socket, told again.
    lines.on("error", () => undefined);
    lines.on("line", (line) => {
      const answer = JSON.parse(line) as FakeAnswer;
      if (answer.is === "driving") {
        this.adapter = answer.adapter;
        return;
      }
      if (answer.is !== "advertising") return this.#phone?.(answer);
      this.#isSeen = answer.isOn;
      if (!answer.isOn) return;
      this.seenCount += 1;
      const seers = this.#seers;
      this.#seers = [];
      for (const see of seers) see();
    });
  }

  #connect(): CentralLink {
    // As an adapter does by itself.
    this.#isSeen = false;
    this.ask({ do: "connect", address: "C0:FF:EE:00:00:01" });
    let onFrame: (frame: Uint8Array) => void = () => undefined;
    const waiting: ((answer: FakeAnswer) => void)[] = [];
    let isGone = false;
    let tellGone: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      tellGone = resolve;
    });
    this.#phone = (answer) => {
      if (answer.is === "frame") return onFrame(Buffer.from(answer.bytes, "base64"));
      if (answer.is === "gone") {
        isGone = true;
        this.#phone = undefined;
        tellGone();
      } else waiting.shift()?.(answer);
    };
    const asked = async (ask: FakeAsk): Promise<FakeAnswer> => {
      if (isGone) throw new HalError("disconnected", "the reader has gone");
      const answer = new Promise<FakeAnswer>((resolve) => waiting.push(resolve));
      this.ask(ask);
      const lost = gone.then(() => {
        throw new HalError("disconnected", "the reader has gone");
      });
      return await Promise.race([answer, lost]);
    };
    const read = async (offset: number): Promise<Uint8Array> => {
      const answer = await asked({ do: "read", offset });
      if (answer.is !== "value" || answer.bytes === null)
        throw new HalError("io", "no such offset");
      return Buffer.from(answer.bytes, "base64").subarray(0, mtu - 1);
    };
    return {
      frameBytesMax,
      readHello: async () => {
        const pieces: Uint8Array[] = [];
        for (let offset = 0; ; ) {
          const piece = await read(offset);
          pieces.push(piece);
          offset += piece.length;
          if (piece.length < mtu - 1) return Buffer.concat(pieces);
        }
      },
      subscribe: async (listener) => {
        onFrame = listener;
        await asked({ do: "subscribe", frameBytesMax });
      },
      write: async (frame) => {
        const bytes = Buffer.from(frame).toString("base64");
        const answer = await asked({ do: "write", bytes });
        if (answer.is !== "taken" || !answer.isTaken) throw new HalError("io", "it was refused");
      },
      gone,
      disconnect: () => this.ask({ do: "leave" }),
    };
  }
}
