import { loadNativeAddon } from "../native-addon.ts";

/** What `system.c` exports. Each returns 0, or the negative errno. */
export interface NativeSystem {
  /** Sends `message` (up to 4095 bytes) as one datagram; waits for 50 ms at most. */
  notify(socket: string, message: string): number;
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
