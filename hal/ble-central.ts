/** A reader whose advertisement was heard. */
export interface HeardReader {
  /** By which `connect` finds it; the adapter's own name for it, good for this scan. */
  readonly id: string;
  readonly rssi: number;
}

/** A connection to one reader, from the phone's side. Every promise rejects with `HalError`. */
export interface CentralLink {
  /** What a write to `pass` or a notification may hold: 20 to 509 bytes. */
  readonly frameBytesMax: number;
  /** The whole of `hello`, however many reads it took. */
  readHello(): Promise<Uint8Array>;
  /** Notifications of `result` from now on, in order. One listener, before anything is written. */
  subscribe(listener: (frame: Uint8Array) => void): Promise<void>;
  /** Resolves when the reader's radio has acknowledged it. */
  write(frame: Uint8Array): Promise<void>;
  /** Resolves when the link has gone, by whichever side. */
  readonly gone: Promise<void>;
  disconnect(): void;
}

/** What a phone does with its radio. The service is that of `BleService`. */
export interface BleCentral {
  /**
   * Readers as they are heard, until `forMs` is over or `isEnough` says so; the same one again when heard
   * more strongly. Rejects with `HalError` where there is no adapter.
   */
  scan(options: {
    readonly forMs: number;
    readonly isEnough?: (reader: HeardReader) => boolean;
  }): Promise<readonly HeardReader[]>;
  /** Rejects with `HalError` `disconnected` after `withinMs`. */
  connect(reader: HeardReader, withinMs: number): Promise<CentralLink>;
  close(): Promise<void>;
}
