declare const brand: unique symbol;

/** One connection of one phone, never used again for another within a process. */
export type BleLink = number & { readonly [brand]: "BleLink" };

export const bleLink = (number: number): BleLink => number as BleLink;

/** GATT names, as 32 lower-case hex digits; see `src/protocols/mobile-pass/gatt.ts`. */
export interface BleService {
  readonly service: string;
  /** Read: what this link is offered by `offerHello`. */
  readonly hello: string;
  /** Written with response: frames from the phone. */
  readonly pass: string;
  /** Notified: frames to the phone. */
  readonly result: string;
}

export type BleEvent =
  /**
   * A phone is connected; no other can be until it has gone. `address` is what it calls itself on the
   * air, in lower-case hex with colons: most phones change it every quarter of an hour.
   */
  | { readonly kind: "connected"; readonly link: BleLink; readonly address: string }
  /** It listens to `result`; a notification holds at most `frameBytesMax`, 20 to 509. */
  | { readonly kind: "subscribed"; readonly link: BleLink; readonly frameBytesMax: number }
  /** A write to `pass`, whole, 1 to 512 bytes. Nothing of it has been looked at. */
  | { readonly kind: "written"; readonly link: BleLink; readonly bytes: Uint8Array }
  /** How strongly it is heard, in dBm. Not every driver can tell: then this never comes. */
  | { readonly kind: "heard"; readonly link: BleLink; readonly rssi: number }
  | { readonly kind: "disconnected"; readonly link: BleLink }
  | { readonly kind: "health"; readonly health: BleHealth };

export type BleState =
  /** The driver is being loaded, or the adapter is not powered yet. */
  | "starting"
  /** Phones in range can see it, or one is connected. */
  | "up"
  /** There is none, it was unplugged, or its driver failed; it is tried again, ever more rarely. */
  | "down"
  /** Asked for by `setAdvertising("off")`. */
  | "silent";

/** Counts since opening. */
export interface BleHealth {
  readonly state: BleState;
  /** Why it is down: a stable string such as `no_adapter`, `not_supported`, `driver_exited`. */
  readonly reason?: string;
  readonly connectionCount: number;
  /** How often the driver had to be started again. */
  readonly restartCount: number;
}

/**
 * The radio of one reader: a GATT server with one service, one phone at a time. Whatever happens to the
 * radio, nothing here throws and no call waits: a door goes on without it. It does *not* encrypt, and does
 * not vouch for who a phone is. It advertises whenever no phone is connected, again after each, after the
 * adapter was reset and after its driver was restarted.
 */
export interface BlePeripheral {
  /** One listener for the life of the peripheral; it must not throw. The state is told at once. */
  listen(listener: (event: BleEvent) => void): void;

  /** What `link` reads as hello, at most 512 bytes. A read that came before waits for it. */
  offerHello(link: BleLink, hello: Uint8Array): void;

  /** Sends one frame of at most `frameBytesMax`; in order. Lost without a word where the phone has gone. */
  notify(link: BleLink, frame: Uint8Array): void;

  /** Frames notified before still go out. `disconnected` follows, soon, whatever the phone does. */
  disconnect(link: BleLink): void;

  setAdvertising(wanted: "on" | "off"): void;

  health(): BleHealth;

  /** Ends the driver and frees the adapter. Nothing is told afterwards. Safe to call twice. */
  close(): void;
}
