import type { EdgeNs } from "../src/domain/time.ts";

/** Bits a second. Always 8 data bits, no parity, one stop bit. */
export const serialSpeeds = [9_600, 19_200, 38_400, 115_200] as const;
export type SerialSpeed = (typeof serialSpeeds)[number];

/**
 * Who turns the driver of an RS-485 pair round: `kernel` by the port's RTS line, `auto` the adapter
 * itself. `none`: RS-232, or a wire of each direction.
 */
export type SerialDirection = "none" | "auto" | "kernel";

export interface SerialSettings {
  /**
   * By a name that stays with its socket or its adapter: of `/dev/serial/by-id` or `by-path`, or one that
   * a udev rule gives. `/dev/ttyUSB0` works and may be another adapter tomorrow.
   */
  readonly port: string;
  readonly speed: SerialSpeed;
  readonly direction: SerialDirection;
}

/** `lost`: unplugged, or not there yet; it is looked for until it is. */
export type SerialState = "open" | "lost";

export interface SerialPort {
  readonly port: string;

  state(): SerialState;

  /**
   * Resolves when the last bit is on the wire. Writes go out in the order they were asked for. Rejects
   * with `HalError` `disconnected` while the port is lost, or when it is lost meanwhile: nothing is kept
   * to be sent later. More than `serialQueuedBytesMax` that wait reject with `io`.
   */
  write(bytes: Uint8Array): Promise<void>;

  /**
   * Bytes as they come, in pieces of any size. `at` is when this process read them, on the clock of
   * `Clock.monotonic`: later than the wire by the adapter's latency, 1-16 ms by USB. One listener.
   */
  listen(listener: (bytes: Uint8Array, at: EdgeNs) => void): void;

  /** Each change of `state`. One listener. A half-received message from before a loss is void. */
  watch(listener: (state: SerialState) => void): void;

  /** Nothing is told afterwards. Waits for no byte. Safe to call twice. */
  close(): Promise<void>;
}

export const serialQueuedBytesMax = 65_536;

export interface Serial {
  /**
   * Never waits for the port: one that is not there opens as `lost`. Throws `HalError` `not_supported`
   * for what can never work, such as a speed that is none of `serialSpeeds`.
   */
  open(settings: SerialSettings): SerialPort;
}
