import { read } from "node:fs";
import { getSystemErrorName, promisify } from "node:util";
import { describeFailure } from "../../../src/domain/describe-failure.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import type { SerialSettings } from "../../serial.ts";
import { nativeSystem } from "../system/native-system.ts";

const readBytesMax = 4_096;
const readFile = promisify(read);

/** A terminal device that is open, until it is closed. */
export interface OpenTty {
  /** Resolves with what went wrong, in words, when nothing comes any more. Called once. */
  read(take: (bytes: Uint8Array) => void): Promise<string>;
  /** Resolves when the last bit is on the wire. May never settle, where the device is gone: see `lost`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when it is closed, by whomever. */
  readonly lost: Promise<"lost">;
  /** Never rejects. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens a serial port, 8N1, and lets nobody else have it meanwhile.
 *
 * Reading is our own. The stream of `serialport` (13.0.0, bindings-cpp's unix-read.js) asks again at once
 * when it reads nothing, which is what Linux gives of a device that was unplugged, for ever: of adapters
 * that were unplugged while they sent, one in three left a core busy. What it opens, polls and writes by is
 * used.
 */
export async function openTty({ port, speed, direction }: SerialSettings): Promise<OpenTty> {
  const { SerialPort } = await import("serialport");
  const binding = await SerialPort.binding.open({ path: port, baudRate: speed, lock: true });
  if (!("poller" in binding) || binding.fd === null) {
    throw new HalError("not_supported", "serial ports are those of Linux");
  }
  const { poller, fd } = binding;
  let isClosed = false;
  let tellLost: (lost: "lost") => void = () => undefined;
  const lost = new Promise<"lost">((resolve) => {
    tellLost = resolve;
  });
  let reading: Promise<string> | undefined;
  const readable = () =>
    new Promise<void>((resolve, reject) => {
      poller.once("readable", (error: unknown) => {
        if (error === null) resolve();
        else reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
  const readAll = async (take: (bytes: Uint8Array) => void): Promise<string> => {
    const buffer = Buffer.alloc(readBytesMax);
    while (!isClosed) {
      try {
        const { bytesRead } = await readFile(fd, buffer, 0, buffer.length, null);
        if (bytesRead === 0) return "it was unplugged";
        if (!isClosed) take(Uint8Array.from(buffer.subarray(0, bytesRead)));
      } catch (error) {
        if (!isNothingYet(error)) return describeFailure(error);
        try {
          if (!isClosed) await readable();
        } catch (stopped) {
          return describeFailure(stopped);
        }
      }
    }
    return "it was closed";
  };
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    tellLost("lost");
    poller.stop();
    // Under a read in another thread the descriptor could come to name another file.
    await reading;
    try {
      await binding.close();
    } catch {
      // A device that is gone is closed well enough.
    }
  };
  if (direction === "kernel") {
    try {
      turnByKernel(fd, port);
    } catch (error) {
      await close();
      throw error;
    }
  }
  return {
    lost,
    read: (take) => {
      reading ??= readAll(take);
      return reading;
    },
    write: async (bytes) => {
      await binding.write(Buffer.from(bytes));
      await binding.drain();
    },
    close,
  };
}

function turnByKernel(fd: number, port: string): void {
  const result = nativeSystem().turnRs485(fd);
  if (result === 0) return;
  throw new HalError(
    "not_supported",
    `${port} cannot turn an RS-485 pair round by itself (${getSystemErrorName(result)}): use an ` +
      'adapter that does, and direction "auto"',
  );
}

function isNothingYet(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EAGAIN" || code === "EWOULDBLOCK" || code === "EINTR";
}
