/**
 * One chip with registers on an I2C bus. Reading and writing block until the bus is done: about 0.1 ms
 * a byte at 100 kHz, and never longer than `i2cMsMax`, however the chip behaves.
 */
export interface I2cDevice {
  /** N of `/dev/i2c-N`. */
  readonly bus: number;
  /** 7 bits: 0x08 to 0x77. */
  readonly address: number;

  /**
   * `count` (1-32) registers from `first` on, in one transaction, so that they belong together. Throws
   * `HalError`: `disconnected` where the chip does not answer or the bus hangs, `in_use` where a driver
   * of the kernel holds the chip, `not_found` where there is no such bus, `not_permitted`, `io`.
   */
  readRegisters(first: number, count: number): Uint8Array;

  /** As `readRegisters`, but the event loop goes on meanwhile. For what can wait: polling, checking. */
  fetchRegisters(first: number, count: number): Promise<Uint8Array>;

  /**
   * Writes 1-32 registers from `first` on, in one transaction. Throws as `readRegisters`; some of the
   * registers may have been written then.
   */
  writeRegisters(first: number, values: Uint8Array): void;

  /** Whether the chip answers now. The event loop goes on meanwhile. Never rejects. */
  probe(): Promise<boolean>;

  /** What is used afterwards throws `disconnected`. Safe to call twice. */
  close(): void;
}

/** The longest that one transaction may hold up the event loop, on a bus that somebody holds low. */
export const i2cMsMax = 50;

export interface I2c {
  /** Touches nothing yet: a chip that is not there shows when it is read, written or probed. */
  open(place: { readonly bus: number; readonly address: number }): I2cDevice;
}
