import type { RadioFailure } from "./radio-messages.ts";

/** What a library tells. One connection at a time: what another has to say is not told. */
export interface GattStackListener {
  /** The adapter answers. */
  powered(): void;
  /** Nothing more comes of it. */
  failed(reason: RadioFailure): void;
  /** The answers of the adapter to `advertise` and `silence`. */
  advertising(outcome: "started" | "refused" | "stopped"): void;
  connected(address: string): void;
  /** `frameBytesMax` as the phone asked for, not checked. */
  subscribed(frameBytesMax: number, notify: (frame: Uint8Array) => void): void;
  unsubscribed(): void;
  /** Of `hello`. `answer` at most once, and not when the phone has gone. */
  read(offset: number, answer: (value: Uint8Array | "invalid_offset") => void): void;
  /** To `pass`, of any length. True where it is taken. */
  written(bytes: Uint8Array): boolean;
  heard(rssi: number): void;
  disconnected(): void;
}

/** What is asked of one. Nothing waits; each may throw what the library throws. */
export interface GattStack {
  advertise(): void;
  silence(): void;
  disconnect(): void;
  /** `heard` follows, where the library can tell. */
  askRssi(): void;
}
