import { loadNativeAddon } from "../native-addon.ts";

/** What `system.c` exports. Each returns 0, or the negative errno. */
export interface NativeSystem {
  /** Sends `message` (up to 4095 bytes) as one datagram; waits for 50 ms at most. */
  notify(socket: string, message: string): number;

  /** How long one transaction on the bus `device` (`/dev/i2c-1`) may take; 1-60,000, in tens of ms. */
  limitI2cWait(device: string, ms: number): number;

  /** Of an open serial port: RTS is high while the kernel sends, and low otherwise. */
  turnRs485(fd: number): number;

  /** Of this process and its children. */
  keepSmallPages(): number;
}

let loaded: NativeSystem | undefined;

/** Throws `HalError` as `loadNativeAddon` does. Loaded once, when first needed. */
export function nativeSystem(): NativeSystem {
  loaded ??= loadNativeAddon({
    folder: "hal/linux/system",
    file: "postern_system.node",
  }) as NativeSystem;
  return loaded;
}
