import { HalError } from "../../src/domain/hal-error.ts";
import { serialQueuedBytesMax } from "../serial.ts";

/**
 * What waits to be sent by one port: in the order in which it was asked for, as it was then. A write that
 * fails fails alone; whether there is a port to send the next one by is for that one to find out.
 */
export class SerialOutbox {
  readonly #port: string;
  #queuedBytes = 0;
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(port: string) {
    this.#port = port;
  }

  /**
   * Calls `send` when all that was asked for before has been sent or has failed, and settles as that does.
   * Rejects with `HalError` `io` where more than `serialQueuedBytesMax` would wait.
   */
  write(bytes: Uint8Array, send: (own: Uint8Array) => Promise<void>): Promise<void> {
    if (this.#queuedBytes + bytes.length > serialQueuedBytesMax) {
      const waiting = `${this.#queuedBytes} bytes wait to be sent already`;
      return Promise.reject(new HalError("io", `${this.#port}: ${waiting}`));
    }
    this.#queuedBytes += bytes.length;
    // Whoever asks may fill his array anew at once.
    const own = Uint8Array.from(bytes);
    const written = this.#lastWrite.then(() => this.#send(own, send));
    this.#lastWrite = written.catch(() => undefined);
    return written;
  }

  async #send(own: Uint8Array, send: (own: Uint8Array) => Promise<void>): Promise<void> {
    try {
      await send(own);
    } finally {
      this.#queuedBytes -= own.length;
    }
  }
}
