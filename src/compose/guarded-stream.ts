import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { PacketGuard } from "./packet-guard.ts";

/**
 * A socket to a broker of which only what the guard accepts comes through: a listener beside the
 * codec's would be told no sooner than the codec itself. Ends with the socket, and the socket with it.
 */
export class GuardedStream extends Duplex {
  readonly #socket: Socket;

  constructor(
    socket: Socket,
    { guard, onRefused }: { readonly guard: PacketGuard; readonly onRefused: () => void },
  ) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (this.destroyed) return;
      if (!guard.accepts(chunk)) return onRefused();
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  /** What gathered meanwhile goes out as one: a site speaks to a thousand controllers at a time. */
  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.cork();
    chunks.forEach(({ chunk }, index) => {
      if (index === chunks.length - 1) this.#socket.write(chunk, done);
      else this.#socket.write(chunk);
    });
    this.#socket.uncork();
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
